// Executing runs with real graphs: results, the common stream modes, errors, cancel and drain.
import { describe, expect, it } from "vitest";
import { claimNext, claimRun, createTestRuntime, execute } from "./testing/execution-harness.ts";

const COUNTER = "counter:graph";

describe("executing a run", () => {
  it("streams the values after the input and after each superstep, and ends with the thread's values", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const claimed = claimRun(COUNTER, { input: { log: ["start"], count: 0 } });
    const { outcome, events } = await execute(runtime, claimed);
    expect(events).toEqual([
      { event: "values", data: { log: ["start"], count: 0 } },
      { event: "values", data: { log: ["start", "first"], count: 1 } },
      { event: "values", data: { log: ["start", "first", "second"], count: 2 } },
    ]);
    expect(outcome).toMatchObject({ status: "success", error: null, isThreadInterrupted: false, interrupts: {} });
    expect(JSON.parse(outcome.values?.json ?? "")).toEqual({ log: ["start", "first", "second"], count: 2 });
    expect(JSON.parse(outcome.finalValuesJson ?? "")).toEqual({ log: ["start", "first", "second"], count: 2 });
    const state = await runtime.stateReader.readState(
      { threadId: claimed.run.threadId, graphId: COUNTER, config: {} },
      undefined,
      { subgraphs: false },
    );
    expect(outcome.values?.checkpointId).toBe(state.checkpoint?.checkpointId);
    expect(state.metadata).toMatchObject({
      source: "loop",
      run_id: claimed.run.runId,
      thread_id: claimed.run.threadId,
      graph_id: COUNTER,
      assistant_id: claimed.run.assistantId,
    });
  });

  it("continues a thread", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const first = claimRun(COUNTER, { input: { count: 0 } });
    await execute(runtime, first);
    const { outcome } = await execute(runtime, claimNext(first, { input: { log: ["again"] } }));
    expect(JSON.parse(outcome.values?.json ?? "")).toEqual({
      log: ["first", "second", "again", "first", "second"],
      count: 4,
    });
  });

  it("streams updates per node", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const { events } = await execute(runtime, claimRun(COUNTER, { input: { count: 0 }, streamMode: ["updates"] }));
    expect(events).toEqual([
      { event: "updates", data: { first: { log: ["first"], count: 1 } } },
      { event: "updates", data: { second: { log: ["second"], count: 2 } } },
    ]);
  });

  it("streams message chunks with their metadata, under the id the message has in the state", async () => {
    const runtime = createTestRuntime(["chat:graph"]);
    const claimed = claimRun("chat:graph", {
      input: { messages: [{ role: "user", content: "hi", id: "m1" }] },
      streamMode: ["messages-tuple"],
    });
    const { outcome, events } = await execute(runtime, claimed);
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(["messages"]));
    const tuples = events.map(({ data }) => data as [Record<string, unknown>, Record<string, unknown>]);
    expect(tuples.map(([chunk]) => chunk.content).join("")).toBe("Hello you");
    expect(tuples[0]?.[0]).toMatchObject({ type: "ai" });
    expect(tuples[0]?.[1]).toMatchObject({
      langgraph_node: "model",
      run_id: claimed.run.runId,
      thread_id: claimed.run.threadId,
      assistant_id: claimed.run.assistantId,
    });
    const { messages } = JSON.parse(outcome.values?.json ?? "") as { messages: Record<string, unknown>[] };
    expect(messages[0]).toMatchObject({ type: "human", content: "hi", id: "m1" });
    expect(messages[1]).toMatchObject({ type: "ai", content: "Hello you", id: tuples[0]?.[0].id });
  });

  it("keeps no state for a run without checkpoints", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const claimed = claimRun(COUNTER, { input: { count: 0 }, isCheckpointed: false });
    const { outcome } = await execute(runtime, claimed);
    expect(outcome.values).toBeUndefined();
    expect(JSON.parse(outcome.finalValuesJson ?? "")).toEqual({ log: ["first", "second"], count: 2 });
  });
});
