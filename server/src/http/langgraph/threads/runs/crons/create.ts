// POST /threads/{thread_id}/runs/crons
import { defineOperation, failures } from "../../../../operation.ts";
import { createCron } from "../../../runs/crons/create-cron.ts";
import { cronCreateSchema, cronSchema, presentCron } from "../../../runs/crons/cron-wire.ts";
import { threadPathSchema } from "../../thread-wire.ts";

export const createThreadCron = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/runs/crons",
  tag: "Crons",
  summary: "Create a cron whose runs are on a thread",
  description:
    "A run that comes while another is active waits for it, unless `multitask_strategy` says otherwise. The thread takes its crons with it.",
  params: threadPathSchema,
  body: cronCreateSchema,
  answers: { 200: { description: "The cron", schema: cronSchema }, ...failures(404) },
  idempotency: "body",
  async handle(call) {
    return call.context.json(presentCron(await createCron(call, call.body, call.params.thread_id)));
  },
});
