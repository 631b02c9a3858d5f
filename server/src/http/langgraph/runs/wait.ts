// POST /runs/wait
import { defineOperation, failures } from "../../operation.ts";
import { createRun } from "./create-run.ts";
import { statelessRunCreateSchema } from "./run-create-body.ts";
import { waitForRun } from "./run-wait.ts";
import { statelessRunPath } from "./run-wire.ts";
import { WAIT_ANSWER } from "./stream-docs.ts";

export const waitStatelessRun = defineOperation({
  method: "post",
  path: "/runs/wait",
  tag: "Stateless runs",
  summary: "Start a run without a thread and wait for its result",
  body: statelessRunCreateSchema,
  answers: { 200: WAIT_ANSWER, ...failures(404) },
  isLongLived: true,
  idempotency: "run",
  async handle(call) {
    const run = await createRun(call, { body: call.body });
    return waitForRun(call, run, {
      headers: { "content-location": statelessRunPath(run) },
      cancelOnDisconnect: call.body.on_disconnect === "cancel",
    });
  },
});
