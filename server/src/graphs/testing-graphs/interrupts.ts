// Graphs that stop for a human, for tests of interrupts and resumes.
import { Annotation, END, interrupt, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  answers: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
});

/** Starts of nodes, by thread and node. */
export const executions: string[] = [];

function note(config: { configurable?: Record<string, unknown> }, node: string): void {
  executions.push(`${config.configurable?.thread_id}:${node}`);
}

/** Asks once, then finishes. */
export const single = new StateGraph(State)
  .addNode("prepare", (_state, config) => {
    note(config, "prepare");
    return { answers: ["prepared"] };
  })
  .addNode("ask", (_state, config) => {
    note(config, "ask");
    return { answers: [String(interrupt("name?"))] };
  })
  .addNode("finish", (_state, config) => {
    note(config, "finish");
    return { answers: ["done"] };
  })
  .addEdge(START, "prepare")
  .addEdge("prepare", "ask")
  .addEdge("ask", "finish")
  .addEdge("finish", END)
  .compile();

/** One node that asks three questions one after the other. */
export const sequence = new StateGraph(State)
  .addNode("ask", () => {
    const first = String(interrupt("first?"));
    const second = String(interrupt("second?"));
    const third = String(interrupt("third?"));
    return { answers: [first, second, third] };
  })
  .addEdge(START, "ask")
  .addEdge("ask", END)
  .compile();

/** Two nodes that ask at the same time. */
export const parallel = new StateGraph(State)
  .addNode("left", () => ({ answers: [`left ${interrupt("left?")}`] }))
  .addNode("right", () => ({ answers: [`right ${interrupt("right?")}`] }))
  .addEdge(START, "left")
  .addEdge(START, "right")
  .addEdge("left", END)
  .addEdge("right", END)
  .compile();

const questions = new StateGraph(State)
  .addNode("one", (_state, config) => {
    note(config, "one");
    return { answers: [String(interrupt("first?"))] };
  })
  .addNode("work", (_state, config) => {
    note(config, "work");
    return {};
  })
  .addNode("two", () => ({ answers: [String(interrupt("second?"))] }))
  .addEdge(START, "one")
  .addEdge("one", "work")
  .addEdge("work", "two")
  .addEdge("two", END)
  .compile();

/** Two questions one after the other inside a subgraph, with work between them. */
export const nested = new StateGraph(State)
  .addNode("questions", questions)
  .addEdge(START, "questions")
  .addEdge("questions", END)
  .compile();

/** Three questions of one node inside a subgraph. */
export const nestedSequence = new StateGraph(State)
  .addNode("questions", sequence)
  .addEdge(START, "questions")
  .addEdge("questions", END)
  .compile();
