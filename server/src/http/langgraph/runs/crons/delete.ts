// DELETE /runs/crons/{cron_id}
import { defineOperation, failures } from "../../../operation.ts";
import { cronPathSchema } from "./cron-wire.ts";

export const deleteCron = defineOperation({
  method: "delete",
  path: "/runs/crons/{cron_id}",
  tag: "Crons",
  summary: "Delete a cron",
  description: "Runs that it started go on.",
  params: cronPathSchema,
  answers: { 204: { description: "Deleted" }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("crons", "delete", { cron_id: params.cron_id });
    await services.crons.deleteCron(params.cron_id, access);
    return context.body(null, 204);
  },
});
