// Reads a thread's state and history through its graph, in the shape clients see.
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import { omitUndefined } from "../domain/json.ts";
import type { StateContext, ThreadStateReader } from "../domain/ports/graph-runtime.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { InterruptRecord } from "../domain/thread.ts";
import type { CheckpointRef, HistoryQuery, TaskState, ThreadState } from "../domain/thread-state.ts";
import type { CompiledGraph, GraphCallConfig, GraphSnapshot, GraphSnapshotTask } from "./compiled-graph.ts";
import { bindForSnapshots } from "./graph-handle.ts";
import type { GraphRegistry } from "./graph-registry.ts";
import { describeError } from "./run-error.ts";
import { toCheckpointConfig, toConfigurable, withoutReservedKeys } from "./wire-checkpoint.ts";
import { toWireValue, wireJson } from "./wire-json.ts";

/** The state of a thread that has no checkpoint. */
function emptyState(): ThreadState {
  return {
    values: {},
    valuesJson: "{}",
    next: [],
    tasks: [],
    createdAt: null,
    checkpoint: null,
    parentCheckpoint: null,
  };
}

function isSnapshot(state: GraphSnapshot | GraphCallConfig): state is GraphSnapshot {
  return "values" in state && "next" in state;
}

function toTaskState(task: GraphSnapshotTask): TaskState {
  const { state } = task;
  const nested = state !== undefined && isSnapshot(state) ? state : undefined;
  return {
    id: task.id,
    name: task.name,
    path: task.path ?? [],
    error: task.error === undefined || task.error === null ? null : describeError(task.error).message,
    interrupts: toWireValue(task.interrupts ?? []) as InterruptRecord[],
    checkpoint: nested === undefined && state !== undefined ? toCheckpointConfig(state as GraphCallConfig) : null,
    state: nested === undefined ? null : toThreadState(nested),
    result: toWireValue(task.result) ?? null,
  };
}

function toMetadata(metadata: Record<string, unknown>): Record<string, unknown> {
  if (metadata.checkpoint_ns !== "") return metadata;
  const { checkpoint_ns: _rootNamespace, ...rest } = metadata;
  return rest;
}

/** A snapshot in the shape clients see. */
export function toThreadState(snapshot: GraphSnapshot): ThreadState {
  const checkpoint = toCheckpointConfig(snapshot.config);
  if (checkpoint?.checkpointId === undefined || snapshot.createdAt === undefined) return emptyState();
  const tasks = snapshot.tasks.map(toTaskState);
  return {
    get values() {
      return toWireValue(snapshot.values);
    },
    get valuesJson() {
      return wireJson(snapshot.values);
    },
    next: snapshot.next,
    tasks,
    ...(snapshot.metadata === undefined ? {} : { metadata: toMetadata(snapshot.metadata) }),
    createdAt: snapshot.createdAt,
    checkpoint,
    parentCheckpoint: toCheckpointConfig(snapshot.parentConfig),
    interrupts: tasks.flatMap((task) => task.interrupts),
  };
}

export class StateReader implements ThreadStateReader {
  readonly #options: {
    registry: GraphRegistry;
    openCheckpointer: (fence: Fence | undefined) => BaseCheckpointSaver;
    store: BaseStore | undefined;
  };

  constructor(options: {
    registry: GraphRegistry;
    openCheckpointer: (fence: Fence | undefined) => BaseCheckpointSaver;
    store: BaseStore | undefined;
  }) {
    this.#options = options;
  }

  async readState(
    context: StateContext,
    checkpoint: CheckpointRef | undefined,
    options: { subgraphs: boolean },
  ): Promise<ThreadState> {
    const graph = await this.#graph(context);
    if (graph === undefined) return emptyState();
    const config = { configurable: toConfigurable(context.threadId, checkpoint) };
    return toThreadState(await graph.getState(config, { subgraphs: options.subgraphs }));
  }

  async readHistory(context: StateContext, query: HistoryQuery): Promise<ThreadState[]> {
    const graph = await this.#graph(context);
    if (graph === undefined) return [];
    const { before } = query;
    const options = omitUndefined({
      limit: query.limit,
      filter: query.metadata,
      before: before === undefined ? undefined : { configurable: toConfigurable(context.threadId, before) },
    });
    const config = { configurable: toConfigurable(context.threadId, query.checkpoint) };
    const history: ThreadState[] = [];
    for await (const snapshot of graph.getStateHistory(config, options)) history.push(toThreadState(snapshot));
    return history;
  }

  async #graph(context: StateContext): Promise<CompiledGraph | undefined> {
    if (context.graphId === undefined) return undefined;
    const { registry, openCheckpointer, store } = this.#options;
    const { tags, recursionLimit } = context.config;
    const configurable = withoutReservedKeys(context.config.configurable);
    const config = omitUndefined({ configurable, tags, recursionLimit });
    const graph = await registry.instantiate(context.graphId, config, {
      accessContext: "threads.read",
      executionRuntime: null,
    });
    return bindForSnapshots(graph, { checkpointer: openCheckpointer(undefined), store });
  }
}
