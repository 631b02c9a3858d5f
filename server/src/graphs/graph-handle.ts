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
  attachments: { checkpointer: BaseCheckpointSaver | undefined; store: BaseStore | undefined },
): CompiledGraph {
  const fields = { ...graph, checkpointer: attachments.checkpointer };
  if (attachments.store !== undefined) Object.assign(fields, { store: attachments.store });
  return new (graph.constructor as GraphConstructor)(fields);
}

/** A handle for reading snapshots through `checkpointer`; it cannot run or change anything. */
export function bindForSnapshots(
  graph: CompiledGraph,
  attachments: { checkpointer: BaseCheckpointSaver; store: BaseStore | undefined },
): CompiledGraph {
  return bindGraph(graph, { checkpointer: new SnapshotSaver(attachments.checkpointer), store: attachments.store });
}
