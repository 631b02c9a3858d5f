// A graph made with the CommonJS build of LangGraph: to the server a copy of its own, as in projects that bring one.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Annotation, END, interrupt, START, StateGraph, MessagesAnnotation }: typeof import("@langchain/langgraph") =
  require("@langchain/langgraph");
const { FakeListChatModel }: typeof import("@langchain/core/utils/testing") = require("@langchain/core/utils/testing");

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

export const graph = new StateGraph(State)
  .addNode("ask", () => ({ log: [String(interrupt("name?"))] }))
  .addNode("greet", async ({ log }) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { log: [`hello ${log.at(-1)}`] };
  })
  .addNode("bye", () => ({ log: ["bye"] }))
  .addEdge(START, "ask")
  .addEdge("ask", "greet")
  .addEdge("greet", "bye")
  .addEdge("bye", END)
  .compile();

const model = new FakeListChatModel({ responses: ["Hello you"] });

export const chat = new StateGraph(MessagesAnnotation)
  .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, "model")
  .addEdge("model", END)
  .compile();
