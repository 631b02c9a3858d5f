// DELETE /threads/{thread_id}/runs/{run_id}
import { defineOperation, failures } from "../../../operation.ts";
import { runPathSchema } from "../../runs/run-wire.ts";

export const deleteThreadRun = defineOperation({
  method: "delete",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag: "Thread runs",
  summary: "Delete a run",
  description: "With its events and the checkpoints it wrote. A running run must be cancelled first.",
  params: runPathSchema,
  answers: { 204: { description: "Deleted" }, ...failures(404, 409) },
  async handle({ params, services, authorize, context }) {
    const value = { thread_id: params.thread_id, run_id: params.run_id };
    const access = await authorize("threads", "delete", value);
    await services.runs.deleteRun(params.run_id, params.thread_id, access);
    return context.body(null, 204);
  },
});
