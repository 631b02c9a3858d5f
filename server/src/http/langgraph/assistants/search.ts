// POST /assistants/search
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation } from "../../operation.ts";
import { limitSchema, metadataSchema, offsetSchema, pageHeaders, selectFields } from "../../wire.ts";
import { ASSISTANT_FIELDS, ASSISTANT_SORT_KEYS, assistantSchema, presentAssistant } from "./assistant-wire.ts";

export const searchAssistants = defineOperation({
  method: "post",
  path: "/assistants/search",
  tag: "Assistants",
  summary: "Search assistants",
  description:
    "Newest first. `name` is any part of the name, in any case. Totals are in `X-Pagination-Total` and `X-Pagination-Next`.",
  body: z.object({
    metadata: metadataSchema.nullish(),
    graph_id: z.string().nullish(),
    name: z.string().nullish(),
    limit: limitSchema,
    offset: offsetSchema,
    sort_by: z.enum(["assistant_id", "graph_id", "name", "created_at", "updated_at"]).nullish(),
    sort_order: z.enum(["asc", "desc"]).nullish(),
    select: z.array(z.enum(ASSISTANT_FIELDS)).nullish(),
  }),
  bodyExample: { graph_id: "agent", limit: 10 },
  answers: { 200: { description: "One page of assistants", schema: z.array(assistantSchema) } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("assistants", "search", body);
    const query = omitUndefined({
      metadata: body.metadata ?? undefined,
      graphId: body.graph_id ?? undefined,
      name: body.name ?? undefined,
      sortBy: ASSISTANT_SORT_KEYS[body.sort_by ?? ""],
      sortOrder: body.sort_order ?? undefined,
    });
    const { limit, offset, select } = body;
    const page = await services.assistants.searchAssistants({ ...query, limit, offset }, access);
    const items = page.items.map((assistant) => selectFields(presentAssistant(assistant), select));
    return context.json(items, 200, pageHeaders(page.total, offset, items.length));
  },
});
