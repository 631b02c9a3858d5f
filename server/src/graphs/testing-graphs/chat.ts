// Chat graphs over a fake streaming model, for tests of message streaming.
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { createAgent } from "langchain";

const model = new FakeListChatModel({ responses: ["Hello you"] });
const quietModel = new FakeListChatModel({ responses: ["ssh"] }).withConfig({ tags: ["nostream"] });

const child = new StateGraph(MessagesAnnotation)
  .addNode("say", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, "say")
  .addEdge("say", END)
  .compile();

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("model", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, "model")
  .addEdge("model", END)
  .compile();

export const quiet = new StateGraph(MessagesAnnotation)
  .addNode("model", async ({ messages }) => ({ messages: [await quietModel.invoke(messages)] }))
  .addEdge(START, "model")
  .addEdge("model", END)
  .compile();

export const parent = new StateGraph(MessagesAnnotation)
  .addNode("child", child)
  .addEdge(START, "child")
  .addEdge("child", END)
  .compile();

export const agent = createAgent({ model: new FakeListChatModel({ responses: ["I am an agent"] }), tools: [] });
