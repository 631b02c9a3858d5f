// A run of several steps, each of some duration and each with an effect on an outside service.
import { setTimeout as sleep } from "node:timers/promises";
import { HumanMessage } from "@langchain/core/messages";
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

async function step(state: typeof State.State, config: LangGraphRunnableConfig) {
  const { step_ms: stepMs = 0, sink_url: sinkUrl, run_id: runId } = config.configurable ?? {};
  const done = state.done + 1;
  const tell = async (phase: string) => {
    const body = JSON.stringify({ runId, step: done, phase, pid: process.pid });
    if (sinkUrl) await fetch(sinkUrl, { method: "POST", body });
  };
  await tell("begin");
  config.writer?.({ begun: done });
  if (stepMs > 0) await sleep(stepMs, undefined, { signal: config.signal });
  await tell("end");
  return { done, messages: [new HumanMessage({ id: `${runId}:${done}`, content: `step ${done}` })] };
}

function next(state: typeof State.State, config: LangGraphRunnableConfig) {
  return state.done >= Number(config.configurable?.steps ?? 3) ? END : "step";
}

/** `configurable`: `steps` (how many), `step_ms` (duration of each), `sink_url` (told when each begins and ends). */
export const graph = new StateGraph(State)
  .addNode("begin", () => ({ done: 0 }))
  .addNode("step", step)
  .addEdge(START, "begin")
  .addConditionalEdges("begin", next, ["step", END])
  .addConditionalEdges("step", next, ["step", END])
  .compile();
