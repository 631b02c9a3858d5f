// GET /runs/crons/{cron_id}
import { defineOperation, failures } from "../../../operation.ts";
import { cronNotFound, cronPathSchema, cronSchema, presentCron } from "./cron-wire.ts";

export const getCron = defineOperation({
  method: "get",
  path: "/runs/crons/{cron_id}",
  tag: "Crons",
  summary: "Get a cron",
  params: cronPathSchema,
  answers: { 200: { description: "The cron", schema: cronSchema }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("crons", "read", { cron_id: params.cron_id });
    const cron = await services.crons.findCron(params.cron_id, access);
    if (cron === undefined) throw cronNotFound();
    return context.json(presentCron(cron));
  },
});
