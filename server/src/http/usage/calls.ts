// GET /usage/calls
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../operation.ts";
import { limitSchema, offsetSchema, pageHeaders } from "../wire.ts";
import { modelCallSchema, presentModelCall, toUsageFilter, usageFilterShape } from "./usage-wire.ts";

export const listModelCalls = defineOperation({
  method: "get",
  path: "/usage/calls",
  tag: "Usage",
  summary: "List single calls of models",
  query: z.object({ ...usageFilterShape, limit: limitSchema, offset: offsetSchema }),
  answers: { 200: { description: "Calls, newest first", schema: z.array(modelCallSchema) } },
  async handle({ query, services, authorize, context }) {
    const access = await authorize("threads", "search", {});
    const { limit, offset } = query;
    const page = await services.usageReports.listCalls({ ...toUsageFilter(query), limit, offset }, access);
    return context.json(page.items.map(presentModelCall), 200, pageHeaders(page.total, offset, page.items.length));
  },
});
