// An agent on a model of the OpenAI kind, with tools that take their time: for cancels in the middle of model and tool calls,
// and for the bad hours of a provider.
import { setTimeout as sleep } from "node:timers/promises";
import { repairHistory } from "@holdfast/kit";
import { type AIMessage, ToolMessage } from "@langchain/core/messages";
import { END, type LangGraphRunnableConfig, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";

type State = typeof MessagesAnnotation.State;

const WAIT_TOOL = {
  type: "function" as const,
  function: {
    name: "wait",
    description: "Waits for a number of milliseconds.",
    parameters: { type: "object", properties: { ms: { type: "integer" } }, required: ["ms"] },
  },
};

/** `configurable`: `modelUrl`, `modelTimeoutMs` (until the answer begins). */
async function callModel(state: State, config: LangGraphRunnableConfig) {
  const { modelUrl, modelTimeoutMs } = config.configurable ?? {};
  const model = new ChatOpenAI({
    model: "gpt-4o-mini",
    apiKey: "test-key",
    streaming: true,
    maxRetries: 2,
    timeout: modelTimeoutMs,
    configuration: { baseURL: modelUrl },
  });
  const { messages } = repairHistory(state.messages, { firstMessage: "user" });
  return { messages: [await model.bindTools([WAIT_TOOL]).invoke(messages, config)] };
}

async function callTools(state: State, config: LangGraphRunnableConfig) {
  const { tool_calls: calls = [] } = state.messages.at(-1) as AIMessage;
  return {
    messages: await Promise.all(
      calls.map(async ({ id, name, args }) => {
        await sleep(Number(args.ms), undefined, { signal: config.signal });
        return new ToolMessage({ tool_call_id: id ?? "", name, content: `waited ${args.ms} ms` });
      }),
    ),
  };
}

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("model", callModel)
  .addNode("tools", callTools)
  .addEdge(START, "model")
  .addConditionalEdges("model", (state) => ((state.messages.at(-1) as AIMessage).tool_calls?.length ? "tools" : END))
  .addEdge("tools", "model")
  .compile();
