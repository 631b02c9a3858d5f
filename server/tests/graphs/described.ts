// Graphs whose state is described by zod, of both lines.
import { END, START, StateGraph } from "@langchain/langgraph";
import { z as z3 } from "zod/v3";
import { z as z4 } from "zod/v4";

const same = () => ({});

export const zod4 = new StateGraph(
  z4.object({ city: z4.string().describe("Where"), days: z4.number().int().default(1) }),
)
  .addNode("same", same)
  .addEdge(START, "same")
  .addEdge("same", END)
  .compile();

export const zod3 = new StateGraph(z3.object({ city: z3.string(), days: z3.number() }))
  .addNode("same", same)
  .addEdge(START, "same")
  .addEdge("same", END)
  .compile();
