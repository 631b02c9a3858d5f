// GET /threads/{thread_id}/runs/{run_id}
import { defineOperation, failures } from "../../../operation.ts";
import { presentRun, runNotFound, runPathSchema, runSchema } from "../../runs/run-wire.ts";

export const getThreadRun = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/runs/{run_id}",
  tag: "Thread runs",
  summary: "Get a run",
  params: runPathSchema,
  answers: { 200: { description: "The run", schema: runSchema }, ...failures(404) },
  async handle({ params, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const run = await services.runs.findRun(params.run_id, params.thread_id, access);
    if (run === undefined) throw runNotFound();
    return context.json(presentRun(run));
  },
});
