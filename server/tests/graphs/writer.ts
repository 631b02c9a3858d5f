// Graphs that write custom events: a few from a node and a tool, and as many and as large ones as asked for.
import { setTimeout as sleep } from "node:timers/promises";
import { tool } from "@langchain/core/tools";
import { Annotation, END, type LangGraphRunnableConfig, START, StateGraph } from "@langchain/langgraph";
import { z } from "zod";

const State = Annotation.Root({ sum: Annotation<number>, sent: Annotation<number> });

const add = tool(({ a, b }) => a + b, {
  name: "add",
  description: "Adds two numbers.",
  schema: z.object({ a: z.number(), b: z.number() }),
});

export const graph = new StateGraph(State)
  .addNode("work", async (_state, config) => {
    config.writer?.({ progress: 50 });
    config.writer?.("line one\nline two\u2028three");
    const sum = await add.invoke({ type: "tool_call", id: "call-1", name: "add", args: { a: 1, b: 2 } }, config);
    return { sum: Number(sum.content) };
  })
  .addEdge(START, "work")
  .addEdge("work", END)
  .compile();

async function send(_state: typeof State.State, config: LangGraphRunnableConfig) {
  const { events = 10, event_bytes: bytes = 10, pause_ms: pauseMs = 0 } = config.configurable ?? {};
  const padding = "x".repeat(bytes);
  for (let number = 0; number < events; number++) {
    config.writer?.({ number, padding });
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: config.signal });
    else if (number % 20 === 0) await new Promise(setImmediate);
  }
  return { sent: events };
}

/** `configurable`: `events` (how many), `event_bytes`, `pause_ms` (after each). */
export const burst = new StateGraph(State).addNode("send", send).addEdge(START, "send").addEdge("send", END).compile();
