// GET /usage
import { z } from "@hono/zod-openapi";
import { USAGE_KEYS } from "../../domain/ports/usage-ledger.ts";
import { defineOperation } from "../operation.ts";
import { limitSchema, offsetSchema, pageHeaders } from "../wire.ts";
import { presentUsageSum, toUsageFilter, usageFilterShape, usageSumSchema } from "./usage-wire.ts";

export const reportUsage = defineOperation({
  method: "get",
  path: "/usage",
  tag: "Usage",
  summary: "Sum up what calls of models used and cost",
  description:
    "Over the calls of threads that the caller may see, those of deleted ones included. `group_by` sums up by any of its values, several " +
    "separated by commas; without it there is one sum. Times are those of the calls' beginnings.",
  query: z.object({
    group_by: z.array(z.enum(USAGE_KEYS)).max(4).default([]),
    ...usageFilterShape,
    limit: limitSchema,
    offset: offsetSchema,
  }),
  answers: { 200: { description: "Sums, the most expensive first, or by time", schema: z.array(usageSumSchema) } },
  async handle({ query, services, authorize, context }) {
    const access = await authorize("threads", "search", {});
    const { limit, offset, group_by } = query;
    const keys = [...new Set(group_by)];
    const page = await services.usageReports.sumUsage({ ...toUsageFilter(query), keys, limit, offset }, access);
    return context.json(page.items.map(presentUsageSum), 200, pageHeaders(page.total, offset, page.items.length));
  },
});
