// Graphs that fail: one throws after a step that succeeds, one never comes to an end.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ count: Annotation<number> });

class PaymentError extends Error {
  override name = "PaymentError";
}

export const graph = new StateGraph(State)
  .addNode("prepare", () => ({ count: 1 }))
  .addNode("pay", () => {
    throw new PaymentError("card refused");
  })
  .addEdge(START, "prepare")
  .addEdge("prepare", "pay")
  .addEdge("pay", END)
  .compile();

export const endless = new StateGraph(State)
  .addNode("again", ({ count }) => ({ count: (count ?? 0) + 1 }))
  .addEdge(START, "again")
  .addEdge("again", "again")
  .compile();
