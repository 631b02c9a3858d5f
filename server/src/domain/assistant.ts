// The assistant: a named, versioned configuration of a graph.
import type { JsonObject } from "./json.ts";

/** LangGraph run configuration as stored on assistants, threads and runs. */
export interface GraphConfig {
  tags?: string[];
  recursionLimit?: number;
  configurable?: JsonObject;
}

export interface Assistant {
  assistantId: string;
  graphId: string;
  version: number;
  name: string;
  description: string | null;
  config: GraphConfig;
  context: JsonObject;
  metadata: JsonObject;
  createdAt: Date;
  updatedAt: Date;
}

/** Key in an assistant's metadata: how many of its runs may be running at once, a whole number; `null` for any number. */
export const CONCURRENCY_MAX_KEY = "holdfast.concurrency_max";
/** Highest limit that can be set. */
export const CONCURRENCY_MAX_MAX = 100_000;

/** Whether the assistant limits how many of its runs may be running at once. */
export function isConcurrencyLimited(assistant: Pick<Assistant, "metadata">): boolean {
  return typeof assistant.metadata[CONCURRENCY_MAX_KEY] === "number";
}

/** Fields a client may set when creating an assistant. */
export interface NewAssistant {
  assistantId: string;
  graphId: string;
  name: string;
  description: string | null;
  config: GraphConfig;
  context: JsonObject;
  metadata: JsonObject;
}

/** Fields a client may change; `metadata` is merged at the top level, the others are replaced. */
export type AssistantPatch = Partial<
  Pick<Assistant, "graphId" | "name" | "description" | "config" | "context" | "metadata">
>;

export type AssistantSortKey = "assistantId" | "graphId" | "name" | "createdAt" | "updatedAt";
