// Graphs that tell what configuration, context and metadata reached them, as a graph and as a factory.
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";

const State = Annotation.Root({ seen: Annotation<Record<string, unknown>>, made: Annotation<Record<string, unknown>> });
const Context = z.object({ tone: z.string().optional(), user: z.string().optional() });

/** What a node may say of itself without giving away what belongs to the server. */
function visible(values: Record<string, unknown> = {}): Record<string, unknown> {
  const entries = Object.entries(values).filter(([key]) => !key.startsWith("__") && !key.startsWith("checkpoint"));
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

export const graph = new StateGraph(State, Context)
  .addNode("look", (_state, config: LangGraphRunnableConfig) => ({
    seen: {
      configurable: visible(config.configurable),
      context: config.context ?? null,
      metadata: visible(config.metadata),
      tags: config.tags ?? [],
      recursion_limit: config.recursionLimit ?? null,
    },
  }))
  .addEdge(START, "look")
  .addEdge("look", END)
  .compile();

interface Runtime {
  accessContext?: string;
  executionRuntime?: { context?: unknown } | null;
}

/** The node's name comes from `configurable.node`, so that state and drawings need the thread's configuration. */
export async function makeGraph(config: { configurable?: Record<string, unknown> }, runtime: Runtime) {
  const node = String(config.configurable?.node ?? "plain");
  const made = { access: runtime.accessContext, context: runtime.executionRuntime?.context ?? null };
  return new StateGraph(State, Context)
    .addNode(node, () => ({ made }))
    .addEdge(START, node)
    .addEdge(node, END);
}
