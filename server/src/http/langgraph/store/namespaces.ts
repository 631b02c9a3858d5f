// POST /store/namespaces
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../domain/json.ts";
import type { NamespaceQuery } from "../../../domain/ports/store-repository.ts";
import { defineOperation } from "../../operation.ts";
import { limitSchema, offsetSchema } from "../../wire.ts";
import { namespaceSchema, requireLabels } from "./store-wire.ts";

const LIMIT_DEFAULT = 100;
const DEPTH_MAX = 1_000;

export const listStoreNamespaces = defineOperation({
  method: "post",
  path: "/store/namespaces",
  tag: "Store",
  summary: "List namespaces",
  description: "Those that hold items, in order. `*` in `prefix` and `suffix` stands for any one label.",
  body: z.object({
    prefix: namespaceSchema.nullish(),
    suffix: namespaceSchema.nullish(),
    max_depth: z.int().min(1).max(DEPTH_MAX).nullish().openapi({ description: "Longer namespaces are cut to it." }),
    limit: limitSchema.default(LIMIT_DEFAULT),
    offset: offsetSchema,
  }),
  bodyExample: { prefix: ["users"], max_depth: 2 },
  answers: {
    200: { description: "One page of namespaces", schema: z.object({ namespaces: z.array(namespaceSchema) }) },
  },
  async handle({ body, services, authorize, context }) {
    const { prefix, ...rest } = body;
    requireLabels(prefix ?? []);
    requireLabels(body.suffix ?? []);
    const value = { namespace: prefix, ...rest };
    const access = await authorize("store", "list_namespaces", value);
    const conditions: NamespaceQuery["conditions"] = [];
    if (value.namespace?.length) conditions.push({ side: "prefix", labels: value.namespace });
    if (value.suffix?.length) conditions.push({ side: "suffix", labels: value.suffix });
    const { limit, offset } = value;
    const query = omitUndefined({ conditions, depthMax: value.max_depth ?? undefined, limit, offset });
    return context.json({ namespaces: await services.store.listNamespaces(query, access) });
  },
});
