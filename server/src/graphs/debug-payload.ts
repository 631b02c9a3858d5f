// Brings the payloads of the modes `debug`, `tasks` and `checkpoints` into the shape clients know.
import type { GraphCallConfig } from "./compiled-graph.ts";
import { toWireCheckpoint } from "./wire-checkpoint.ts";

type Payload = Record<string, unknown>;

/** Settings that say who the caller is stay inside the server. */
const IDENTITY_PREFIX = "langgraph_auth";

function withoutInternals(config: unknown): unknown {
  if (typeof config !== "object" || config === null) return config;
  const { callbacks: _callbacks, ...rest } = config as Payload;
  if (typeof rest.configurable !== "object" || rest.configurable === null) return rest;
  const configurable = Object.fromEntries(
    Object.entries(rest.configurable).filter(([key]) => !key.startsWith("__") && !key.startsWith(IDENTITY_PREFIX)),
  );
  return { ...rest, configurable };
}

/** A task whose subgraph is only addressed carries that address as `checkpoint`. */
function mapTask(task: Payload): Payload {
  const checkpoint = toWireCheckpoint(task.state as GraphCallConfig | undefined);
  if (checkpoint === null) return task;
  const { state: _state, ...rest } = task;
  return { ...rest, checkpoint };
}

function mapCheckpoint(payload: Payload): Payload {
  const { parentConfig, config, tasks, ...rest } = payload;
  return {
    ...rest,
    config: withoutInternals(config),
    parent_config: withoutInternals(parentConfig),
    checkpoint: toWireCheckpoint(config as GraphCallConfig | undefined),
    parent_checkpoint: toWireCheckpoint(parentConfig as GraphCallConfig | undefined),
    tasks: Array.isArray(tasks) ? tasks.map((task: Payload) => mapTask(task)) : [],
  };
}

/** `{step, type, timestamp, payload}` of mode `debug`. */
export function mapDebugChunk(chunk: Payload): Payload {
  const payload = chunk.payload as Payload;
  if (chunk.type === "checkpoint") return { ...chunk, payload: mapCheckpoint(payload) };
  if (chunk.type === "task_result") return { ...chunk, payload: mapTask(payload) };
  return chunk;
}

/** A started or finished task of mode `tasks`. */
export function mapTaskChunk(chunk: Payload): Payload {
  return mapTask(chunk);
}

/** `{values, metadata, next}` of mode `checkpoints`. */
export function mapCheckpointChunk(chunk: Payload): Payload {
  return { values: chunk.values, metadata: chunk.metadata, next: chunk.next };
}
