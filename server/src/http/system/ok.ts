// GET /ok
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../operation.ts";

export const getOk = defineOperation({
  method: "get",
  path: "/ok",
  tag: "System",
  summary: "Say whether the server answers",
  description: "With `check_db` also whether it can reach its database; 503 when it cannot.",
  query: z.object({ check_db: z.boolean().default(false) }),
  answers: { 200: { description: "It does", schema: z.object({ ok: z.literal(true) }) }, ...failures(503) },
  isOpen: true,
  async handle({ query, services, context }) {
    if (query.check_db) await services.readiness();
    return context.json({ ok: true });
  },
});
