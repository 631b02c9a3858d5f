// Two nodes that answer at once: what remains is the cost of the server itself.
import { AIMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";

export const graph = new StateGraph(MessagesAnnotation)
  .addNode("think", () => ({}))
  .addNode("answer", (state) => ({ messages: [new AIMessage(`You sent message ${state.messages.length}.`)] }))
  .addEdge(START, "think")
  .addEdge("think", "answer")
  .addEdge("answer", END)
  .compile();
