// GET /store/items
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { keySchema, presentItem, readNamespaceQuery, requireNamespace, storeItemSchema } from "../store-wire.ts";

export const getStoreItem = defineOperation({
  method: "get",
  path: "/store/items",
  tag: "Store",
  summary: "Get an item",
  description: "The answer is `null` where there is no such item.",
  query: z.object({
    namespace: z
      .string()
      .optional()
      .openapi({ description: "The labels, joined by periods or one parameter each.", example: "users.u-17" }),
    key: keySchema,
    refresh_ttl: z.boolean().optional().openapi({ description: "Whether reading starts the item's time anew." }),
  }),
  answers: { 200: { description: "The item, or null", schema: storeItemSchema.nullable() }, ...failures(400) },
  async handle({ query, services, authorize, context }) {
    const namespace = requireNamespace(readNamespaceQuery(context.req.queries("namespace")));
    const value = { namespace, key: query.key };
    const access = await authorize("store", "get", value);
    const options = omitUndefined({ isTtlRefreshed: query.refresh_ttl });
    const item = await services.store.getItem(value.namespace, value.key, options, access);
    return context.json(item === undefined ? null : presentItem(item));
  },
});
