// Builds the configuration a run's graph is called with, and the metadata its checkpoints carry.
import type { JsonObject } from "../domain/json.ts";
import { omitUndefined } from "../domain/json.ts";
import type { Run } from "../domain/run.ts";
import type { CheckpointRef } from "../domain/thread-state.ts";
import type { GraphCallConfig } from "./compiled-graph.ts";
import type { FactoryConfig } from "./load-graph.ts";
import { withoutReservedKeys } from "./wire-checkpoint.ts";

/** Keys that address a checkpoint; an earlier run's must never leak into a later one. */
const ADDRESS_KEYS = ["checkpoint_id", "checkpoint_ns", "checkpoint_map"];

/** Metadata of every checkpoint the run writes: who wrote it, and the run's own metadata. Never the caller's identity. */
export function runMetadata(run: Run): JsonObject {
  return {
    ...run.metadata,
    run_id: run.runId,
    thread_id: run.threadId,
    graph_id: run.kwargs.graphId,
    assistant_id: run.assistantId,
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The checkpoint a run starts from when it is not the newest; given by itself or within `configurable`. */
export function runAddress(run: Run): CheckpointRef | undefined {
  const { checkpoint, config } = run.kwargs;
  const checkpointId = checkpoint?.checkpointId ?? text(config.configurable?.checkpoint_id);
  if (checkpointId === undefined) return undefined;
  return { ...checkpoint, checkpointId };
}

function runConfigurable(run: Run, isContinued: boolean): Record<string, unknown> {
  const { kwargs } = run;
  const configurable = withoutReservedKeys(kwargs.config.configurable);
  if (isContinued) {
    // An earlier attempt already branched off: continue at its newest checkpoint instead of branching again.
    for (const key of ADDRESS_KEYS) delete configurable[key];
  } else if (kwargs.checkpoint !== undefined) {
    const { checkpointId, checkpointNs, checkpointMap } = kwargs.checkpoint;
    Object.assign(
      configurable,
      omitUndefined({ checkpoint_id: checkpointId, checkpoint_ns: checkpointNs, checkpoint_map: checkpointMap }),
    );
  }
  if (kwargs.strictResume === true) configurable.__pregel_strict_resume = true;
  return Object.assign(configurable, {
    run_id: run.runId,
    thread_id: run.threadId,
    graph_id: kwargs.graphId,
    assistant_id: run.assistantId,
  });
}

/** What a graph factory is told about the run. */
export function toFactoryConfig(run: Run): FactoryConfig {
  const { tags, recursionLimit } = run.kwargs.config;
  return omitUndefined({ configurable: runConfigurable(run, false), tags, recursionLimit });
}

function isEmptyObject(value: object): boolean {
  return Object.keys(value).length === 0;
}

/**
 * Everything but the stream modes. No key is present with the value `undefined`: LangGraph would take it over the graph's own
 * setting (a bound recursion limit above all).
 * @param options.isContinued whether an earlier attempt of this run left checkpoints
 */
export function buildRunConfig(run: Run, options: { isContinued: boolean; signal: AbortSignal }): GraphCallConfig {
  const { kwargs } = run;
  const context = kwargs.context === undefined || isEmptyObject(kwargs.context) ? undefined : kwargs.context;
  return omitUndefined({
    configurable: runConfigurable(run, options.isContinued),
    metadata: { ...runMetadata(run), run_attempt: run.attempt },
    runId: run.runId,
    tags: kwargs.config.tags,
    recursionLimit: kwargs.config.recursionLimit,
    context,
    interruptBefore: kwargs.interruptBefore,
    interruptAfter: kwargs.interruptAfter,
    durability: kwargs.isCheckpointed ? kwargs.durability : undefined,
    signal: options.signal,
  });
}
