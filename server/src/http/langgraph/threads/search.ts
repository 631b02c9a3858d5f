// POST /threads/search
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import { defineOperation } from "../../operation.ts";
import {
  jsonObjectSchema,
  limitSchema,
  metadataSchema,
  offsetSchema,
  pageHeaders,
  selectFields,
  uuidSchema,
} from "../../wire.ts";
import { extractPaths, extractSchema } from "./extract.ts";
import { presentThread, THREAD_FIELDS, THREAD_SORT_KEYS, threadSchema, threadStatusSchema } from "./thread-wire.ts";

/** Ids one search may name. */
const IDS_MAX = 1_000;

export const searchThreads = defineOperation({
  method: "post",
  path: "/threads/search",
  tag: "Threads",
  summary: "Search threads",
  description:
    "Newest first. `metadata` and `values` match threads that contain them. Totals are in `X-Pagination-Total` and `X-Pagination-Next`.",
  body: z.object({
    metadata: metadataSchema.nullish(),
    values: jsonObjectSchema.nullish(),
    ids: z.array(uuidSchema).max(IDS_MAX).nullish(),
    status: threadStatusSchema.nullish(),
    limit: limitSchema,
    offset: offsetSchema,
    sort_by: z.enum(["thread_id", "status", "created_at", "updated_at", "state_updated_at"]).nullish(),
    sort_order: z.enum(["asc", "desc"]).nullish(),
    select: z.array(z.enum(THREAD_FIELDS)).nullish(),
    extract: extractSchema.nullish(),
  }),
  bodyExample: { metadata: { user_id: "u-17" }, status: "idle", limit: 10 },
  answers: { 200: { description: "One page of threads", schema: z.array(threadSchema) } },
  async handle({ body, services, authorize, context }) {
    const access = await authorize("threads", "search", body);
    const { limit, offset, select, extract } = body;
    const query = omitUndefined({
      metadata: body.metadata ?? undefined,
      values: body.values ?? undefined,
      ids: body.ids ?? undefined,
      status: body.status ?? undefined,
      sortBy: THREAD_SORT_KEYS[body.sort_by ?? ""],
      sortOrder: body.sort_order ?? undefined,
    });
    const withValues =
      !select?.length ||
      select.includes("values") ||
      Object.values(extract ?? {}).some((path) => path.startsWith("values"));
    const page = await services.threads.searchThreads({ ...query, limit, offset, withValues }, access);
    const items = page.items.map((thread) => {
      const presented = presentThread(thread);
      const selected = selectFields(presented, select);
      return extract ? { ...selected, extracted: extractPaths(presented, extract) } : selected;
    });
    return context.json(items, 200, pageHeaders(page.total, offset, items.length));
  },
});
