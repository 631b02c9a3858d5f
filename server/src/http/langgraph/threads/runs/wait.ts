// POST /threads/{thread_id}/runs/wait
import { defineOperation, failures } from "../../../operation.ts";
import { createRun } from "../../runs/create-run.ts";
import { runCreateSchema } from "../../runs/run-create-body.ts";
import { waitForRun } from "../../runs/run-wait.ts";
import { runPath } from "../../runs/run-wire.ts";
import { WAIT_ANSWER } from "../../runs/stream-docs.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const waitThreadRun = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/runs/wait",
  tag: "Thread runs",
  summary: "Start a run and wait for its result",
  params: threadPathSchema,
  body: runCreateSchema,
  answers: { 200: WAIT_ANSWER, ...failures(404, 409) },
  isLongLived: true,
  idempotency: "run",
  async handle(call) {
    const run = await createRun(call, { body: call.body, threadId: call.params.thread_id });
    const path = runPath(run);
    return waitForRun(call, run, {
      headers: { "content-location": path, location: `${path}/join` },
      cancelOnDisconnect: call.body.on_disconnect === "cancel",
    });
  },
});
