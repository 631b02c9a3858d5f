// Changes a thread's state by hand, through its graph and under a fence.
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import { BadRequestError } from "../domain/errors.ts";
import { omitUndefined } from "../domain/json.ts";
import type { StateContext, StateWrite, ThreadStateWriter } from "../domain/ports/graph-runtime.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { CheckpointRef, StateUpdate } from "../domain/thread-state.ts";
import type { CompiledGraph, GraphStateUpdate } from "./compiled-graph.ts";
import { FencedSaver } from "./fenced-saver.ts";
import { bindForSnapshots, bindGraph } from "./graph-handle.ts";
import type { GraphLibrary } from "./graph-library.ts";
import type { GraphRegistry } from "./graph-registry.ts";
import { errorName } from "./run-error.ts";
import { toGraphCommand } from "./run-input.ts";
import { interruptsByTask, readHead } from "./run-outcome.ts";
import { toThreadValues } from "./thread-values.ts";
import { toCheckpointConfig, toConfigurable, withoutReservedKeys } from "./wire-checkpoint.ts";

/** Names LangGraph gives a meaning of their own in `as_node`. */
const SPECIAL_NODES = ["__start__", "__end__", "__input__", "__copy__"];

/** LangGraph's error for an update it cannot attribute or apply. */
const INVALID_UPDATE_ERROR_NAME = "InvalidUpdateError";

function allowedNodes(graph: CompiledGraph): string[] {
  return Object.keys(graph.nodes).filter((name) => !name.startsWith("__"));
}

function refuseUnknownNodes(graph: CompiledGraph, updates: StateUpdate[]): void {
  for (const { asNode } of updates) {
    if (asNode === undefined || SPECIAL_NODES.includes(asNode) || Object.hasOwn(graph.nodes, asNode)) continue;
    throw new BadRequestError(
      `Node "${asNode}" does not exist. Nodes of this graph: ${allowedNodes(graph).join(", ")}.`,
    );
  }
}

function explainRefusal(graph: CompiledGraph, error: unknown): unknown {
  // LangGraph throws a plain error for a namespace that no subgraph has.
  if (error instanceof Error && /^Subgraph ".*" not found$/s.test(error.message)) {
    return new BadRequestError(error.message, { cause: error });
  }
  if (errorName(error) !== INVALID_UPDATE_ERROR_NAME || !(error instanceof Error)) return error;
  const [firstLine = ""] = error.message.split("\n");
  if (!firstLine.startsWith("Ambiguous update")) return new BadRequestError(firstLine, { cause: error });
  return new BadRequestError(
    `It is not clear which node this update comes from; set as_node to one of: ${allowedNodes(graph).join(", ")}.`,
    { cause: error },
  );
}

function toGraphUpdate({ values, command, asNode }: StateUpdate, library: GraphLibrary): GraphStateUpdate {
  return { values: command === undefined || command === null ? values : toGraphCommand(command, library), asNode };
}

export class StateWriter implements ThreadStateWriter {
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

  updateState(
    context: StateContext,
    fence: Fence,
    update: StateUpdate,
    checkpoint: CheckpointRef | undefined,
  ): Promise<StateWrite> {
    return this.#apply(context, fence, [{ updates: [update] }], checkpoint);
  }

  applySupersteps(context: StateContext, fence: Fence, supersteps: { updates: StateUpdate[] }[]): Promise<StateWrite> {
    if (supersteps.length === 0 || supersteps.some(({ updates }) => updates.length === 0)) {
      return Promise.reject(new BadRequestError("Each superstep needs at least one update."));
    }
    return this.#apply(context, fence, supersteps, undefined);
  }

  async #apply(
    context: StateContext,
    fence: Fence,
    supersteps: { updates: StateUpdate[] }[],
    checkpoint: CheckpointRef | undefined,
  ): Promise<StateWrite> {
    const { graph, snapshots } = await this.#attach(context, fence);
    const isRoot = (checkpoint?.checkpointNs ?? "") === "";
    if (isRoot) for (const { updates } of supersteps) refuseUnknownNodes(graph, updates);
    const config = {
      configurable: {
        ...withoutReservedKeys(context.config.configurable),
        ...toConfigurable(context.threadId, checkpoint),
      },
    };
    const library = await this.#options.registry.findLibrary(context.graphId ?? "", graph);
    let written: { configurable?: Record<string, unknown> };
    try {
      written = await graph.bulkUpdateState(
        config,
        supersteps.map(({ updates }) => ({ updates: updates.map((update) => toGraphUpdate(update, library)) })),
      );
    } catch (error) {
      throw explainRefusal(graph, error);
    }
    const address = toCheckpointConfig(written);
    if (address === null) throw new Error("LangGraph gave no checkpoint for a state update.");
    const head = await readHead(snapshots, context.threadId);
    return {
      checkpoint: address,
      values: toThreadValues(head.values, toCheckpointConfig(head.config)?.checkpointId ?? null),
      isThreadInterrupted: head.next.length > 0,
      interrupts: interruptsByTask(head),
    };
  }

  async #attach(context: StateContext, fence: Fence): Promise<{ graph: CompiledGraph; snapshots: CompiledGraph }> {
    const { graphId, threadId } = context;
    if (graphId === undefined) throw new BadRequestError(`Thread ${threadId} has no graph ID`);
    const { registry, openCheckpointer, store } = this.#options;
    const { tags, recursionLimit } = context.config;
    const configurable = withoutReservedKeys(context.config.configurable);
    const compiled = await registry.instantiate(graphId, omitUndefined({ configurable, tags, recursionLimit }), {
      accessContext: "threads.update",
      executionRuntime: null,
    });
    // The checkpoint an update starts from may carry a run's id; the new one is nobody's run.
    const metadata = { thread_id: threadId, graph_id: graphId, run_id: undefined };
    const checkpointer = new FencedSaver(openCheckpointer(fence), { metadata });
    return {
      graph: bindGraph(compiled, { checkpointer, store }),
      snapshots: bindForSnapshots(compiled, { checkpointer, store }),
    };
  }
}
