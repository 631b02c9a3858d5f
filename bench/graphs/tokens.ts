// Streams a counted number of tokens at a given pace, for fan-out and reconnect tests; `startAtMs` lets many runs begin together.
import { setTimeout as sleep } from "node:timers/promises";
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  count: Annotation<number>,
  intervalMs: Annotation<number>,
  startAtMs: Annotation<number | undefined>,
  sent: Annotation<number>,
});

async function emit(state: typeof State.State, config: LangGraphRunnableConfig) {
  const enteredAtMs = performance.timeOrigin + performance.now();
  const waitMs = (state.startAtMs ?? 0) - Date.now();
  if (waitMs > 0) await sleep(waitMs, undefined, { signal: config.signal });
  for (let token = 0; token < state.count; token++) {
    await sleep(state.intervalMs, undefined, { signal: config.signal });
    config.writer?.({ token, atMs: Date.now(), ...(token === 0 ? { enteredAtMs } : {}) });
  }
  return { sent: state.count };
}

export const graph = new StateGraph(State).addNode("emit", emit).addEdge(START, "emit").addEdge("emit", END).compile();
