// A run of several steps, each with an effect on an outside service, for crash and recovery tests.
import { setTimeout as sleep } from "node:timers/promises";
import { AIMessage } from "@langchain/core/messages";
import {
  Annotation,
  END,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  done: Annotation<number>({ reducer: (_, next) => next, default: () => 0 }),
});

/** `configurable`: `steps` (count), `stepMs`, `sinkUrl`. */
async function step(state: typeof State.State, config: LangGraphRunnableConfig) {
  const { stepMs = 100, sinkUrl, run_id: runId } = config.configurable ?? {};
  const number = state.done + 1;
  await sleep(stepMs, undefined, { signal: config.signal });
  const key = `${runId}:${number}`;
  if (sinkUrl) {
    const headers = { "idempotency-key": key, "x-sender": process.env.BENCH_SESSION ?? "" };
    await fetch(sinkUrl, { method: "POST", headers, signal: config.signal });
  }
  config.writer?.({ step: number });
  return { done: number, messages: [new AIMessage({ id: key, content: `step ${number}` })] };
}

function isDone(state: typeof State.State, config: LangGraphRunnableConfig) {
  return state.done >= (config.configurable?.steps ?? 5) ? "finish" : "step";
}

export const graph = new StateGraph(State)
  .addNode("begin", () => ({ done: 0 }))
  .addNode("step", step)
  .addNode("finish", () => ({}))
  .addEdge(START, "begin")
  .addConditionalEdges("begin", isDone)
  .addConditionalEdges("step", isDone)
  .addEdge("finish", END)
  .compile();
