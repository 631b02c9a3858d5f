// POST /internal/truncate, for test suites only
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../operation.ts";

const targetSchema = z.boolean().nullish();

export const truncate = defineOperation({
  method: "post",
  path: "/internal/truncate",
  tag: "System",
  summary: "Delete everything of the kinds named",
  description: "Exists only where HOLDFAST_ALLOW_TRUNCATE=1 allows it. Assistants of graphs stay.",
  body: z.object({
    runs: targetSchema,
    threads: targetSchema,
    assistants: targetSchema,
    store: targetSchema,
    checkpointer: targetSchema,
    checkpoint: targetSchema,
  }),
  bodyExample: { threads: true, runs: true },
  answers: { 200: { description: "Done", schema: z.object({ ok: z.literal(true) }) } },
  isHidden: true,
  isAvailable: (services) => services.truncate !== undefined,
  async handle({ body, services, context }) {
    await services.truncate?.({
      runs: body.runs ?? false,
      threads: body.threads ?? false,
      assistants: body.assistants ?? false,
      store: body.store ?? false,
      // Test suites in use say either.
      checkpointer: body.checkpointer ?? body.checkpoint ?? false,
    });
    return context.json({ ok: true });
  },
});
