// POST /store/items/search
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation } from "../../../operation.ts";
import { jsonObjectSchema, limitSchema, offsetSchema } from "../../../wire.ts";
import { namespaceSchema, presentItem, requireLabels, storeItemSchema } from "../store-wire.ts";

/** Longest text that is searched by meaning; embedding models take less. */
const QUERY_CHARS_MAX = 100_000;

export const searchStoreItems = defineOperation({
  method: "post",
  path: "/store/items/search",
  tag: "Store",
  summary: "Search items",
  description:
    "In the namespace and all below it, the last changed first. With `query`, where the project file has `store.index`, the " +
    "nearest in meaning first; `score` is their cosine similarity.",
  body: z.object({
    namespace_prefix: namespaceSchema.nullish(),
    filter: jsonObjectSchema.nullish().openapi({
      description:
        "By key of the value: a value it equals, or `$eq`, `$ne`, `$gt`, `$gte`, `$lt`, `$lte`, `$in`, `$nin`.",
      example: { kind: "note", stars: { $gte: 3 } },
    }),
    limit: limitSchema,
    offset: offsetSchema,
    query: z.string().max(QUERY_CHARS_MAX).nullish(),
    refresh_ttl: z.boolean().nullish(),
  }),
  bodyExample: { namespace_prefix: ["users"], filter: { kind: "note" }, limit: 10 },
  answers: {
    200: {
      description: "One page of items",
      schema: z.object({ items: z.array(storeItemSchema.extend({ score: z.number().nullable().optional() })) }),
    },
  },
  async handle({ body, services, authorize, context }) {
    const { namespace_prefix, refresh_ttl: isTtlRefreshed, ...rest } = body;
    const value = { namespace: namespace_prefix ?? [], ...rest };
    requireLabels(value.namespace);
    const access = await authorize("store", "search", value);
    const items = await services.store.searchItems(
      omitUndefined({
        namespacePrefix: value.namespace,
        filter: value.filter ?? undefined,
        query: value.query ?? undefined,
        limit: value.limit,
        offset: value.offset,
        isTtlRefreshed: isTtlRefreshed ?? undefined,
      }),
      access,
    );
    const isRanked = Boolean(value.query);
    return context.json({
      items: items.map((item) => ({ ...presentItem(item), ...(isRanked ? { score: item.score ?? null } : {}) })),
    });
  },
});
