// A graph of two steps with a reducer, for tests of values, updates and crash recovery; counts node executions in `executions`.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (left, right) => left.concat(right), default: () => [] }),
  count: Annotation<number>,
});

/** Executions of each node, by thread and node. */
export const executions: string[] = [];

export const graph = new StateGraph(State)
  .addNode("first", (state, config) => {
    executions.push(`${config.configurable?.thread_id}:first`);
    return { log: ["first"], count: (state.count ?? 0) + 1 };
  })
  .addNode("second", (state, config) => {
    executions.push(`${config.configurable?.thread_id}:second`);
    return { log: ["second"], count: state.count + 1 };
  })
  .addEdge(START, "first")
  .addEdge("first", "second")
  .addEdge("second", END)
  .compile();

export const builder = new StateGraph(State).addNode("only", () => ({ count: 1 })).addEdge(START, "only");

export const notAGraph = { hello: "world" };
