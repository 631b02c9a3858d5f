// A node that blocks the event loop with synchronous work, for tests of what that does to everybody else.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ blockMs: Annotation<number>, spun: Annotation<number> });

function spin(durationMs: number): number {
  let turns = 0;
  for (const endMs = Date.now() + durationMs; Date.now() < endMs; ) turns++;
  return turns;
}

export const graph = new StateGraph(State)
  .addNode("crunch", (state) => ({ spun: spin(state.blockMs) }))
  .addEdge(START, "crunch")
  .addEdge("crunch", END)
  .compile();
