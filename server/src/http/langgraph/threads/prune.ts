// POST /threads/prune
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../../operation.ts";
import { uuidSchema } from "../../wire.ts";

/** Threads one request may name. */
const THREADS_MAX = 1_000;

export const pruneThreads = defineOperation({
  method: "post",
  path: "/threads/prune",
  tag: "Threads",
  summary: "Prune threads",
  description:
    "Deletes the threads, or all but their newest checkpoints. Threads that the caller may not see are left out.",
  body: z.object({
    thread_ids: z.array(uuidSchema).max(THREADS_MAX),
    strategy: z.enum(["delete", "keep_latest"]).default("delete"),
  }),
  bodyExample: { thread_ids: ["0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21"], strategy: "keep_latest" },
  answers: { 200: { description: "How many threads were touched", schema: z.object({ pruned_count: z.int() }) } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("threads", "delete", { thread_ids: body.thread_ids, strategy: body.strategy });
    const prunedCount = await services.threads.pruneThreads(body.thread_ids, body.strategy, access);
    return context.json({ pruned_count: prunedCount });
  },
});
