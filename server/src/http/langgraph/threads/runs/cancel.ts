// POST /threads/{thread_id}/runs/{run_id}/cancel
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { cancelActionSchema, runPathSchema } from "../../runs/run-wire.ts";

export const cancelThreadRun = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/runs/{run_id}/cancel",
  tag: "Thread runs",
  summary: "Cancel a run",
  description: "`interrupt` keeps what the run has checkpointed; `rollback` removes the run and its checkpoints.",
  params: runPathSchema,
  query: z.object({
    wait: z.boolean().default(false).openapi({ description: "Answer when the run has ended." }),
    action: cancelActionSchema.default("interrupt"),
    reason: z.string().max(1_000).optional(),
  }),
  answers: {
    202: { description: "Asked for" },
    204: { description: "Done, where `wait` was set" },
    ...failures(404),
  },
  isLongLived: true,
  async handle({ params, query, services, authorize, context }) {
    const { wait, action, reason } = query;
    const access = await authorize("threads", "update", { thread_id: params.thread_id, action });
    const options = omitUndefined({ action, reason, wait });
    await services.engine.cancelRun(params.run_id, params.thread_id, options, access);
    return context.body(null, wait ? 204 : 202);
  },
});
