// The agent of agent.ts with its model called by `invoke`, as agents mostly do, and a tool of LangChain's: what the event protocol streams.
import { tool } from "@langchain/core/tools";
import { END, type LangGraphRunnableConfig, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { z } from "zod";
import { EchoModel } from "./agent.ts";

const lookUp = tool(
  ({ query }, config: LangGraphRunnableConfig) => {
    config.writer?.({ name: "progress", share: 0.5 });
    return `found ${query}`;
  },
  { name: "look_up", description: "Looks something up.", schema: z.object({ query: z.string() }) },
);

async function model(state: typeof MessagesAnnotation.State, config: LangGraphRunnableConfig) {
  const tokenMs = Number(config.configurable?.token_ms ?? 0);
  return { messages: [await new EchoModel(tokenMs).invoke(state.messages, config)] };
}

function next({ messages }: typeof MessagesAnnotation.State) {
  const last = messages.at(-1);
  return last !== undefined && "tool_calls" in last && (last.tool_calls as unknown[]).length > 0 ? "tools" : END;
}

/** `configurable.token_ms`: pause before each word. */
export const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", model)
  .addNode("tools", new ToolNode([lookUp]))
  .addEdge(START, "agent")
  .addConditionalEdges("agent", next, ["tools", END])
  .addEdge("tools", "agent")
  .compile();
