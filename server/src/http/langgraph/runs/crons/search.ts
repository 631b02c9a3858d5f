// POST /runs/crons/search
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation } from "../../../operation.ts";
import { limitSchema, metadataSchema, offsetSchema, pageHeaders, selectFields, uuidSchema } from "../../../wire.ts";
import { CRON_FIELDS, CRON_SORT_KEYS, cronSchema, presentCron, toAssistantId } from "./cron-wire.ts";

export const searchCrons = defineOperation({
  method: "post",
  path: "/runs/crons/search",
  tag: "Crons",
  summary: "Search crons",
  description: "Newest first. Totals are in `X-Pagination-Total` and `X-Pagination-Next`.",
  body: z.object({
    assistant_id: z.string().nullish(),
    thread_id: uuidSchema.nullish(),
    enabled: z.boolean().nullish(),
    metadata: metadataSchema.nullish(),
    limit: limitSchema,
    offset: offsetSchema,
    sort_by: z
      .enum(["cron_id", "assistant_id", "thread_id", "next_run_date", "end_time", "created_at", "updated_at"])
      .nullish(),
    sort_order: z.enum(["asc", "desc"]).nullish(),
    select: z.array(z.enum(CRON_FIELDS)).nullish(),
  }),
  bodyExample: { enabled: true, sort_by: "next_run_date", sort_order: "asc" },
  answers: { 200: { description: "One page of crons", schema: z.array(cronSchema) } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("crons", "search", body);
    const { limit, offset, select } = body;
    const query = omitUndefined({
      assistantId: toAssistantId(services, body.assistant_id),
      threadId: body.thread_id ?? undefined,
      isEnabled: body.enabled ?? undefined,
      metadata: body.metadata ?? undefined,
      sortBy: CRON_SORT_KEYS[body.sort_by ?? ""],
      sortOrder: body.sort_order ?? undefined,
    });
    const page = await services.crons.searchCrons({ ...query, limit, offset }, access);
    const items = page.items.map((cron) => selectFields(presentCron(cron), select));
    return context.json(items, 200, pageHeaders(page.total, offset, items.length));
  },
});
