// A graph in a graph in a graph, with an interrupt at the bottom, custom events and a tool, for tests of namespaces.
import { tool } from "@langchain/core/tools";
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";

const State = Annotation.Root({
  trail: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

const bottom = new StateGraph(State)
  .addNode("ask", () => ({ trail: [`answer ${interrupt("deep?")}`] }))
  .addEdge(START, "ask")
  .addEdge("ask", END)
  .compile();

const middle = new StateGraph(State)
  .addNode("before", () => ({ trail: ["before"] }))
  .addNode("bottom", bottom)
  .addEdge(START, "before")
  .addEdge("before", "bottom")
  .addEdge("bottom", END)
  .compile();

export const top = new StateGraph(State)
  .addNode("middle", middle)
  .addNode("after", () => ({ trail: ["after"] }))
  .addEdge(START, "middle")
  .addEdge("middle", "after")
  .addEdge("after", END)
  .compile();

const add = tool(({ a, b }) => a + b, {
  name: "add",
  description: "Adds two numbers.",
  schema: z.object({ a: z.number(), b: z.number() }),
});

export const custom = new StateGraph(State)
  .addNode("work", async (_state, config) => {
    config.writer?.({ progress: 50 });
    const sum = await add.invoke({ type: "tool_call", id: "call-1", name: "add", args: { a: 1, b: 2 } }, config);
    return { trail: [String(sum.content)] };
  })
  .addEdge(START, "work")
  .addEdge("work", END)
  .compile();
