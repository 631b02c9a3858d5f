// A graph in a graph in a graph, each level with a node before the next.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  trail: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

function makeFamily(stopBefore: "c_two"[]) {
  const child = new StateGraph(State)
    .addNode("c_one", () => ({ trail: ["c_one"] }))
    .addNode("c_two", () => ({ trail: ["c_two"] }))
    .addEdge(START, "c_one")
    .addEdge("c_one", "c_two")
    .addEdge("c_two", END)
    .compile({ interruptBefore: stopBefore });
  const parent = new StateGraph(State)
    .addNode("p_one", () => ({ trail: ["p_one"] }))
    .addNode("p_two", child)
    .addEdge(START, "p_one")
    .addEdge("p_one", "p_two")
    .addEdge("p_two", END)
    .compile();
  return new StateGraph(State)
    .addNode("gp_one", () => ({ trail: ["gp_one"] }))
    .addNode("gp_two", parent)
    .addEdge(START, "gp_one")
    .addEdge("gp_one", "gp_two")
    .addEdge("gp_two", END)
    .compile();
}

export const graph = makeFamily([]);

/** Stops at a breakpoint in the innermost graph. */
export const stopping = makeFamily(["c_two"]);
