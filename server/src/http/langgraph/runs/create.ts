// POST /runs
import { defineOperation, failures } from "../../operation.ts";
import { createRun } from "./create-run.ts";
import { statelessRunCreateSchema } from "./run-create-body.ts";
import { presentRun, runSchema, statelessRunPath } from "./run-wire.ts";

export const createStatelessRun = defineOperation({
  method: "post",
  path: "/runs",
  tag: "Stateless runs",
  summary: "Start a run without a thread in the background",
  body: statelessRunCreateSchema,
  answers: { 200: { description: "The run; its path is in Content-Location", schema: runSchema }, ...failures(404) },
  idempotency: "body",
  async handle(call) {
    const run = await createRun(call, { body: call.body });
    return call.context.json(presentRun(run), 200, { "content-location": statelessRunPath(run) });
  },
});
