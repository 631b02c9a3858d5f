// Graphs that fail, hang or never end, for tests of errors, cancel and drain.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";

const State = Annotation.Root({ count: Annotation<number> });

class PaymentError extends Error {
  override name = "PaymentError";
}

/** What the waiting node saw of its signal, by thread. */
export const aborted = new Set<string>();

export const throwing = new StateGraph(State)
  .addNode("ok", () => ({ count: 1 }))
  .addNode("pay", () => {
    throw new PaymentError("card refused");
  })
  .addEdge(START, "ok")
  .addEdge("ok", "pay")
  .addEdge("pay", END)
  .compile();

export const endless = new StateGraph(State)
  .addNode("again", ({ count }) => ({ count: (count ?? 0) + 1 }))
  .addEdge(START, "again")
  .addEdge("again", "again")
  .compile();

/** Does one step, then waits for its signal; writes late when the signal came. */
export const waiting = new StateGraph(State)
  .addNode("ok", () => ({ count: 1 }))
  .addNode("wait", async (_state, config) => {
    await new Promise<void>((resolve) => config.signal?.addEventListener("abort", () => resolve(), { once: true }));
    aborted.add(String(config.configurable?.thread_id));
    return { count: 99 };
  })
  .addEdge(START, "ok")
  .addEdge("ok", "wait")
  .addEdge("wait", END)
  .compile();

/** Three steps of a little while each. */
export const slow = new StateGraph(State)
  .addNode("one", async () => {
    await new Promise((resolve) => setTimeout(resolve, 30));
    return { count: 1 };
  })
  .addNode("two", ({ count }) => ({ count: count + 1 }))
  .addNode("three", ({ count }) => ({ count: count + 1 }))
  .addEdge(START, "one")
  .addEdge("one", "two")
  .addEdge("two", "three")
  .addEdge("three", END)
  .compile();

/** Waits for ever and heeds no signal. */
export const stubborn = new StateGraph(State)
  .addNode("ok", () => ({ count: 1 }))
  .addNode("hang", () => new Promise<{ count: number }>(() => {}))
  .addEdge(START, "ok")
  .addEdge("ok", "hang")
  .addEdge("hang", END)
  .compile();
