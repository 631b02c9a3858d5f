// A graph that takes any JSON: one channel that keeps the last value written to it.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ value: Annotation<unknown>, other: Annotation<unknown> });

export const graph = new StateGraph(State)
  .addNode("pass", () => ({}))
  .addEdge(START, "pass")
  .addEdge("pass", END)
  .compile();
