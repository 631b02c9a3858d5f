// GET /threads/{thread_id}/history
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { limitSchema } from "../../../wire.ts";
import { JSON_HEADERS, threadStateSchema, writeState } from "../state-wire.ts";
import { requireThread, stateContext, threadPathSchema } from "../thread-wire.ts";

export const getThreadHistory = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/history",
  tag: "Threads",
  summary: "List a thread's states",
  description: "Newest first, of the root graph.",
  params: threadPathSchema,
  query: z.object({
    limit: limitSchema,
    before: z.string().optional().openapi({ description: "A checkpoint id; only older ones are listed." }),
  }),
  answers: { 200: { description: "The states", schema: z.array(threadStateSchema) }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access);
    const before = query.before ? { before: { checkpointId: query.before } } : {};
    const states = await services.threadStates.readHistory(stateContext(thread), { limit: query.limit, ...before });
    return context.body(`[${states.map((state) => writeState(state)).join(",")}]`, 200, JSON_HEADERS);
  },
});
