// Streams a counted number of tokens at a given pace, for fan-out and reconnect tests.
import { setTimeout as sleep } from "node:timers/promises";
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ count: Annotation<number>, intervalMs: Annotation<number>, sent: Annotation<number> });

async function emit(state: typeof State.State, config: LangGraphRunnableConfig) {
  for (let token = 0; token < state.count; token++) {
    await sleep(state.intervalMs, undefined, { signal: config.signal });
    config.writer?.({ token, atMs: Date.now() });
  }
  return { sent: state.count };
}

export const graph = new StateGraph(State).addNode("emit", emit).addEdge(START, "emit").addEdge("emit", END).compile();
