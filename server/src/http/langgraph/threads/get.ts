// GET /threads/{thread_id}
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../operation.ts";
import { presentThread, presentTtl, requireThread, threadPathSchema, threadSchema } from "./thread-wire.ts";

export const getThread = defineOperation({
  method: "get",
  path: "/threads/{thread_id}",
  tag: "Threads",
  summary: "Get a thread",
  params: threadPathSchema,
  query: z.object({ include: z.array(z.string()).optional().openapi({ description: "`ttl` adds the time to live." }) }),
  answers: { 200: { description: "The thread", schema: threadSchema }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access, { withValues: true });
    const presented = presentThread(thread);
    return context.json(query.include?.includes("ttl") ? { ...presented, ttl: presentTtl(thread) } : presented);
  },
});
