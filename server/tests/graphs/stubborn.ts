// A node that does not listen to its signal: it goes on after a cancel, and then writes events and state.
import { setTimeout as sleep } from "node:timers/promises";
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ log: Annotation<string[]>({ reducer: (a, b) => a.concat(b), default: () => [] }) });

async function work(_state: typeof State.State, config: LangGraphRunnableConfig) {
  const { work_ms: workMs = 100, sink_url: sinkUrl } = config.configurable ?? {};
  config.writer?.("working");
  await sleep(workMs);
  config.writer?.("too late");
  if (sinkUrl) await fetch(sinkUrl, { method: "POST", body: JSON.stringify({ phase: "late" }) });
  return { log: ["worked"] };
}

/** `configurable`: `work_ms`, `sink_url` (told when the work is over). */
export const graph = new StateGraph(State)
  .addNode("first", () => ({ log: ["first"] }))
  .addNode("work", work)
  .addEdge(START, "first")
  .addEdge("first", "work")
  .addEdge("work", END)
  .compile();
