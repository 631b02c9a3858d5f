// POST /runs/crons
import { defineOperation, failures } from "../../../operation.ts";
import { createCron } from "./create-cron.ts";
import { cronCreateSchema, cronSchema, presentCron } from "./cron-wire.ts";

export const createStatelessCron = defineOperation({
  method: "post",
  path: "/runs/crons",
  tag: "Crons",
  summary: "Create a cron whose runs get a thread each",
  description:
    "`on_run_completed` says whether these threads are kept. Each tick fires once, on however many servers; ticks that were missed " +
    "fire once together. Where clocks are put forward, a fixed time within the gap comes right after it; where they are put back, once.",
  body: cronCreateSchema,
  answers: { 200: { description: "The cron", schema: cronSchema }, ...failures(404) },
  idempotency: "body",
  async handle(call) {
    return call.context.json(presentCron(await createCron(call, call.body)));
  },
});
