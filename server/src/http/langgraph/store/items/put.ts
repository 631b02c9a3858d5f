// PUT /store/items
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { jsonObjectSchema } from "../../../wire.ts";
import { itemTtlSchema, keySchema, namespaceSchema, requireNamespace, requireWritable } from "../store-wire.ts";

/** Most paths of one item, and the longest. */
const INDEX_PATHS_MAX = 100;
const INDEX_PATH_CHARS_MAX = 500;

export const putStoreItem = defineOperation({
  method: "put",
  path: "/store/items",
  tag: "Store",
  summary: "Put an item",
  description: "Replaces the value of an item that exists. Graphs see the same items in `config.store`.",
  body: z.object({
    namespace: namespaceSchema,
    key: keySchema,
    value: jsonObjectSchema,
    index: z
      .union([z.literal(false), z.array(z.string().max(INDEX_PATH_CHARS_MAX)).max(INDEX_PATHS_MAX)])
      .nullish()
      .openapi({ description: "Paths to search by meaning; false for none. Without it the store's own." }),
    ttl: itemTtlSchema,
  }),
  bodyExample: { namespace: ["users", "u-17"], key: "preferences", value: { theme: "dark" } },
  answers: { 204: { description: "Stored" }, ...failures(400, 404) },
  async handle({ body, services, authorize, context }) {
    requireWritable(requireNamespace(body.namespace));
    const value = { ...body };
    const access = await authorize("store", "put", value);
    const item = omitUndefined({
      namespace: value.namespace,
      key: value.key,
      value: value.value,
      index: value.index ?? undefined,
      ttlMinutes: value.ttl,
    });
    await services.store.putItem(item, access);
    return context.body(null, 204);
  },
});
