// Schemas and conversions that several resources share: paging, metadata, graph configuration, picking fields.
import { z } from "@hono/zod-openapi";
import type { GraphConfig } from "../domain/assistant.ts";
import { type JsonObject, omitUndefined } from "../domain/json.ts";

/** Largest offset a search accepts. */
const OFFSET_MAX = 1_000_000_000;
/** Largest page of a search. */
const PAGE_SIZE_MAX = 1_000;
const PAGE_SIZE_DEFAULT = 10;
/** Largest value of a PostgreSQL integer. */
const INTEGER_MAX = 2_147_483_647;

export const jsonObjectSchema = z.record(z.string(), z.unknown());

export const metadataSchema = jsonObjectSchema.openapi({ example: { user_id: "u-17" } });

export const limitSchema = z.int().min(1).max(PAGE_SIZE_MAX).default(PAGE_SIZE_DEFAULT);
export const offsetSchema = z.int().min(0).max(OFFSET_MAX).default(0);
export const versionSchema = z.int().min(1).max(INTEGER_MAX);

export const uuidSchema = z
  .guid({ error: "must be a UUID" })
  .openapi({ example: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21" });

export const graphConfigSchema = z
  .object({
    tags: z.array(z.string()).nullish(),
    recursion_limit: z.int().min(1).max(INTEGER_MAX).nullish(),
    configurable: jsonObjectSchema.nullish(),
  })
  .openapi("Config", { example: { recursion_limit: 50, configurable: { user_id: "u-17" } } });

export type WireConfig = z.output<typeof graphConfigSchema>;

/** Keys of `configurable` that only the server may set, and never shows. */
function isServerKey(key: string): boolean {
  return key.startsWith("langgraph_auth_") || key.startsWith("__");
}

function withoutServerKeys(configurable: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(configurable).filter(([key]) => !isServerKey(key)));
}

/** A client's configuration in our words; keys that belong to the server are dropped, so that nobody can pose as a user. */
export function toGraphConfig(config: WireConfig | null | undefined): GraphConfig {
  return omitUndefined<GraphConfig>({
    tags: config?.tags ?? undefined,
    recursionLimit: config?.recursion_limit ?? undefined,
    configurable: config?.configurable ? withoutServerKeys(config.configurable) : undefined,
  });
}

export function presentGraphConfig(config: GraphConfig): JsonObject {
  return omitUndefined({
    tags: config.tags,
    recursion_limit: config.recursionLimit,
    configurable: config.configurable && withoutServerKeys(config.configurable),
  });
}

/** Only the selected fields of a presented object; all where nothing is selected. */
export function selectFields(presented: JsonObject, select: readonly string[] | null | undefined): JsonObject {
  if (!select || select.length === 0) return presented;
  return Object.fromEntries(Object.entries(presented).filter(([key]) => select.includes(key)));
}

/** Paging headers of a search: all matches, and the next offset while there are more. */
export function pageHeaders(total: number, offset: number, count: number): Record<string, string> {
  const next = offset + count;
  return {
    "x-pagination-total": String(total),
    ...(count > 0 && next < total ? { "x-pagination-next": String(next) } : {}),
  };
}
