// DELETE /store/items
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { keySchema, namespaceSchema, requireNamespace } from "../store-wire.ts";

export const deleteStoreItem = defineOperation({
  method: "delete",
  path: "/store/items",
  tag: "Store",
  summary: "Delete an item",
  description: "Deleting what is not there is no mistake.",
  body: z.object({ namespace: namespaceSchema.nullish(), key: keySchema }),
  bodyExample: { namespace: ["users", "u-17"], key: "preferences" },
  answers: { 204: { description: "There is no such item any more" }, ...failures(400, 404) },
  async handle({ body, services, authorize, context }) {
    const value = { namespace: requireNamespace(body.namespace), key: body.key };
    const access = await authorize("store", "delete", value);
    await services.store.deleteItem(value.namespace, value.key, access);
    return context.body(null, 204);
  },
});
