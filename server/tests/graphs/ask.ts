// Graphs that stop for a human: once, in parallel, one after the other, and inside a subgraph.
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  answers: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

const say = (text: string) => () => ({ answers: [text] });

/** Asks between two nodes that count how often they ran. */
export const once = new StateGraph(State)
  .addNode("before", say("before"))
  .addNode("ask", () => ({ answers: [`asked: ${JSON.stringify(interrupt({ question: "name?" }))}`] }))
  .addNode("after", say("after"))
  .addEdge(START, "before")
  .addEdge("before", "ask")
  .addEdge("ask", "after")
  .addEdge("after", END)
  .compile();

/** Two nodes that ask at the same time. */
export const many = new StateGraph(State)
  .addNode("left", () => ({ answers: [`left: ${interrupt("left?")}`] }))
  .addNode("right", () => ({ answers: [`right: ${interrupt("right?")}`] }))
  .addEdge(START, "left")
  .addEdge(START, "right")
  .addEdge("left", END)
  .addEdge("right", END)
  .compile();

/** One node that asks twice. */
export const sequence = new StateGraph(State)
  .addNode("ask", () => {
    const first = interrupt("first?");
    const second = interrupt("second?");
    return { answers: [`${first} ${second}`] };
  })
  .addEdge(START, "ask")
  .addEdge("ask", END)
  .compile();

const inner = new StateGraph(State)
  .addNode("prepare", say("prepared"))
  .addNode("ask", () => ({ answers: [`deep: ${interrupt("deep?")}`] }))
  .addEdge(START, "prepare")
  .addEdge("prepare", "ask")
  .addEdge("ask", END)
  .compile();

/** Asks inside a subgraph. */
export const nested = new StateGraph(State)
  .addNode("inner", inner)
  .addNode("after", say("after"))
  .addEdge(START, "inner")
  .addEdge("inner", "after")
  .addEdge("after", END)
  .compile();
