// Translates between LangGraph's configuration objects and the checkpoint addresses of the domain and the wire.

import type { JsonObject } from "../domain/json.ts";
import type { CheckpointConfig, CheckpointRef } from "../domain/thread-state.ts";
import type { GraphCallConfig } from "./compiled-graph.ts";

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The address in `config`; `null` when it names no thread. */
export function toCheckpointConfig(config: GraphCallConfig | undefined): CheckpointConfig | null {
  const configurable = config?.configurable;
  const threadId = text(configurable?.thread_id);
  if (threadId === undefined) return null;
  const checkpointId = text(configurable?.checkpoint_id);
  return {
    threadId,
    checkpointNs: text(configurable?.checkpoint_ns) ?? "",
    ...(checkpointId === undefined ? {} : { checkpointId }),
    checkpointMap: (configurable?.checkpoint_map as JsonObject | undefined) ?? null,
  };
}

/** The address in the form that goes into stream events. */
export function toWireCheckpoint(config: GraphCallConfig | undefined): Record<string, unknown> | null {
  const checkpoint = toCheckpointConfig(config);
  if (checkpoint === null) return null;
  return {
    thread_id: checkpoint.threadId,
    checkpoint_ns: checkpoint.checkpointNs,
    checkpoint_id: checkpoint.checkpointId ?? null,
    checkpoint_map: checkpoint.checkpointMap ?? null,
  };
}

/** What LangGraph needs in `configurable` to read a thread at `checkpoint`; the root namespace has to be explicit. */
export function toConfigurable(threadId: string, checkpoint: CheckpointRef | undefined): Record<string, unknown> {
  const configurable: Record<string, unknown> = {
    thread_id: threadId,
    checkpoint_ns: checkpoint?.checkpointNs ?? "",
  };
  if (checkpoint?.checkpointId !== undefined) configurable.checkpoint_id = checkpoint.checkpointId;
  if (checkpoint?.checkpointMap !== undefined && checkpoint.checkpointMap !== null) {
    configurable.checkpoint_map = checkpoint.checkpointMap;
  }
  return configurable;
}

/** `configurable` without LangGraph's internal keys: a client could steer the graph's machinery with them. */
export function withoutReservedKeys(configurable: Record<string, unknown> | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(configurable ?? {}).filter(([key]) => !key.startsWith("__")));
}
