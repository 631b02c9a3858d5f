// Identifiers: minting and deriving time-ordered ids, the fixed id of a graph's system assistant, and recognising a UUID.
import { createHash } from "node:crypto";
import { v5, v7, validate } from "uuid";

/** RFC 4122 URL namespace, the one the LangGraph servers derive system assistant ids from. */
const SYSTEM_ASSISTANT_NAMESPACE = "6ba7b821-9dad-11d1-80b4-00c04fd430c8";

/** A new id (UUID version 7: sorts by time of creation). */
export function mintId(): string {
  return v7();
}

/**
 * The id number `index` that belongs to a seed, the same in every process. Version 7 with the seed's time, since the log of
 * events is kept by the time in a run's id.
 * @param seed an id from `mintId`
 */
export function deriveId(seed: string, index: number): string {
  const msecs = Number.parseInt(seed.slice(0, 8) + seed.slice(9, 13), 16);
  return v7({ msecs, random: createHash("sha256").update(`${seed}:${index}`).digest() });
}

/** The id of the assistant that exists for every graph, equal on every LangGraph server. */
export function systemAssistantId(graphId: string): string {
  return v5(graphId, SYSTEM_ASSISTANT_NAMESPACE);
}

/** Whether `value` is a UUID in its usual text form. */
export function isUuid(value: unknown): value is string {
  return typeof value === "string" && validate(value);
}
