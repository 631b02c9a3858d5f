// POST /threads/{thread_id}/runs
import { defineOperation, failures } from "../../../operation.ts";
import { createRun } from "../../runs/create-run.ts";
import { runCreateSchema } from "../../runs/run-create-body.ts";
import { presentRun, runPath, runSchema } from "../../runs/run-wire.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const createThreadRun = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/runs",
  tag: "Thread runs",
  summary: "Start a run in the background",
  params: threadPathSchema,
  body: runCreateSchema,
  answers: {
    200: { description: "The run; its path is in Content-Location", schema: runSchema },
    ...failures(404, 409),
  },
  idempotency: "body",
  async handle(call) {
    const run = await createRun(call, { body: call.body, threadId: call.params.thread_id });
    return call.context.json(presentRun(run), 200, { "content-location": runPath(run) });
  },
});
