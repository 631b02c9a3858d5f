// A store item between the wire and our words, and the rules for its namespace.
import { z } from "@hono/zod-openapi";
import { BadRequestError, InvalidRequestError } from "../../../domain/errors.ts";
import type { JsonObject } from "../../../domain/json.ts";
import type { StoreItem } from "../../../domain/ports/store-repository.ts";
import { jsonObjectSchema } from "../../wire.ts";

/** Most labels of a namespace, longest label and longest key. What together is too long for an index entry is refused by PostgreSQL. */
const LABELS_MAX = 20;
const LABEL_CHARS_MAX = 200;
const KEY_CHARS_MAX = 500;
/** Longest time to live: a hundred years, in minutes. */
const TTL_MINUTES_MAX = 100 * 365 * 24 * 60;
/** First label that LangGraph keeps for itself; graphs cannot write there either. */
const RESERVED_ROOT = "langgraph";

/** Labels; whether they are allowed is asked of `requireNamespace` and `requireLabels`, which answer as LangGraph servers do. */
export const namespaceSchema = z
  .array(z.string().max(LABEL_CHARS_MAX))
  .max(LABELS_MAX)
  .openapi({ example: ["users", "u-17"] });

export const keySchema = z.string().max(KEY_CHARS_MAX).openapi({ example: "preferences" });

export const itemTtlSchema = z
  .number()
  .positive()
  .max(TTL_MINUTES_MAX)
  .nullish()
  .openapi({ description: "Minutes until the item expires; null for never. Without it the store's default." });

export const storeItemSchema = z
  .object({
    namespace: namespaceSchema,
    key: keySchema,
    value: jsonObjectSchema,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi("Item", {
    example: {
      namespace: ["users", "u-17"],
      key: "preferences",
      value: { theme: "dark" },
      created_at: "2026-01-02T03:04:05.678Z",
      updated_at: "2026-01-02T03:04:05.678Z",
    },
  });

export function presentItem(item: StoreItem): JsonObject {
  return {
    namespace: item.namespace,
    key: item.key,
    value: item.value,
    created_at: item.createdAt.toISOString(),
    updated_at: item.updatedAt.toISOString(),
  };
}

/** @throws BadRequestError when it is empty, InvalidRequestError for a label that is not allowed */
export function requireNamespace(namespace: string[] | null | undefined): string[] {
  if (!namespace || namespace.length === 0) throw new BadRequestError("Namespace is required");
  requireLabels(namespace);
  return namespace;
}

/** @throws InvalidRequestError */
export function requireLabels(labels: string[]): void {
  if (labels.some((label) => label === "" || label.includes("."))) {
    throw new InvalidRequestError(`Namespace labels cannot be empty or contain periods. Received: ${labels.join(".")}`);
  }
}

/** @throws InvalidRequestError for the namespace that is LangGraph's own */
export function requireWritable(namespace: string[]): void {
  if (namespace[0] === RESERVED_ROOT) {
    throw new InvalidRequestError(`Root label for namespace cannot be "${RESERVED_ROOT}"`);
  }
}

/**
 * The labels in a query, in every encoding in use: one text joined by periods, repeated parameters, a JSON array. Commas do not
 * separate here, a label may hold one.
 */
export function readNamespaceQuery(texts: string[] | undefined): string[] | undefined {
  if (texts === undefined) return undefined;
  const [text = ""] = texts;
  if (texts.length > 1) return texts;
  return readJsonLabels(text) ?? text.split(".");
}

function readJsonLabels(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const labels: unknown = JSON.parse(text);
    return Array.isArray(labels) && labels.every((label) => typeof label === "string") ? labels : undefined;
  } catch {
    // Not JSON after all: a label that happens to start with a bracket.
    return undefined;
  }
}
