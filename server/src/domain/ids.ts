// Identifiers: minting time-ordered ids, the fixed id of a graph's system assistant, and recognising a UUID.
import { v5, v7, validate } from "uuid";

/** RFC 4122 URL namespace, the one the LangGraph servers derive system assistant ids from. */
const SYSTEM_ASSISTANT_NAMESPACE = "6ba7b821-9dad-11d1-80b4-00c04fd430c8";

/** A new id (UUID version 7: sorts by time of creation). */
export function mintId(): string {
  return v7();
}

/** The id of the assistant that exists for every graph, equal on every LangGraph server. */
export function systemAssistantId(graphId: string): string {
  return v5(graphId, SYSTEM_ASSISTANT_NAMESPACE);
}

/** Whether `value` is a UUID in its usual text form. */
export function isUuid(value: unknown): value is string {
  return typeof value === "string" && validate(value);
}
