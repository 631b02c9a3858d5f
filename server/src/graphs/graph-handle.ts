// Gives one run its own handle on a shared compiled graph, with its own checkpointer and store, without touching the shared object.
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import type { CompiledGraph } from "./compiled-graph.ts";
import { SnapshotSaver } from "./snapshot-saver.ts";

type GraphConstructor = new (fields: object) => CompiledGraph;

/**
 * A graph equal to `graph` but with this checkpointer and store. Built by the graph's own class from its own fields, the way
 * LangGraph's `withConfig` does it, so that private members work; nodes and channels are shared, nothing is copied deeply.
 */
export function bindGraph(
  graph: CompiledGraph,
  attachments: {
    checkpointer: BaseCheckpointSaver | undefined;
    store: BaseStore | undefined;
    /** Longest time of one attempt of a node that sets no limit of its own; 0 for none. @default 0 */
    nodeTimeoutMs?: number;
  },
): CompiledGraph {
  const fields = { ...graph, checkpointer: attachments.checkpointer };
  if (attachments.nodeTimeoutMs) fields.nodes = withNodeTimeout(graph, attachments.nodeTimeoutMs);
  if (attachments.store !== undefined) Object.assign(fields, { store: attachments.store });
  return new (graph.constructor as GraphConstructor)(fields);
}

/** The graph's nodes, those without a `timeout` of their own with this one; made the way LangGraph copies a node. */
function withNodeTimeout(graph: CompiledGraph, runTimeout: number): Record<string, unknown> {
  const entries = Object.entries(graph.nodes).map(([name, node]) => [name, withTimeout(node, runTimeout)]);
  return Object.fromEntries(entries);
}

function withTimeout(node: unknown, runTimeout: number): unknown {
  if (typeof node !== "object" || node === null || Reflect.get(node, "timeout") !== undefined) return node;
  return new (node.constructor as new (fields: object) => object)({ ...node, timeout: { runTimeout } });
}

/** A handle for reading snapshots through `checkpointer`; it cannot run or change anything. */
export function bindForSnapshots(
  graph: CompiledGraph,
  attachments: { checkpointer: BaseCheckpointSaver; store: BaseStore | undefined },
): CompiledGraph {
  return bindGraph(graph, { checkpointer: new SnapshotSaver(attachments.checkpointer), store: attachments.store });
}
