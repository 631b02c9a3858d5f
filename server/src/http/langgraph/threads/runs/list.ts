// GET /threads/{thread_id}/runs
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { limitSchema, offsetSchema, selectFields } from "../../../wire.ts";
import { presentRun, RUN_FIELDS, runSchema, runStatusSchema } from "../../runs/run-wire.ts";
import { requireThread, threadPathSchema } from "../thread-wire.ts";

export const listThreadRuns = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/runs",
  tag: "Thread runs",
  summary: "List a thread's runs",
  description: "Newest first.",
  params: threadPathSchema,
  query: z.object({
    limit: limitSchema,
    offset: offsetSchema,
    status: runStatusSchema.optional(),
    select: z.array(z.enum(RUN_FIELDS)).optional(),
  }),
  answers: { 200: { description: "One page of runs", schema: z.array(runSchema) }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const { limit, offset, status, select } = query;
    const access = await authorize("threads", "search", { thread_id: params.thread_id });
    const filter = status === undefined ? {} : { status };
    const runs = await services.runs.listRuns({ threadId: params.thread_id, limit, offset, ...filter }, access);
    // An empty list may mean that there is no such thread.
    if (runs.length === 0) await requireThread(services, params.thread_id, access);
    return context.json(runs.map((run) => selectFields(presentRun(run), select)));
  },
});
