// A project may bring its own LangGraph: everything must work on a graph made by another copy.
import { StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { loadGraph } from "./load-graph.ts";
import {
  claimAgain,
  claimNext,
  claimRun,
  createTestRuntime,
  execute,
  TESTING_GRAPHS_DIR,
} from "./testing/execution-harness.ts";

const GRAPH = "commonjs-copy:graph";
const CHAT = "commonjs-copy:chat";

describe("a graph of another copy of LangGraph", () => {
  it("is one", async () => {
    const loaded = await loadGraph(
      { path: "./commonjs-copy.ts", exportName: "graph" },
      { projectDir: TESTING_GRAPHS_DIR },
    );
    const graph = await loaded.instantiate(
      { configurable: {} },
      { accessContext: "assistants.read", executionRuntime: null },
    );
    expect(Reflect.get(graph, "builder")).not.toBeInstanceOf(StateGraph);
  });

  it("stops, resumes, jumps and drains", async () => {
    const runtime = createTestRuntime([GRAPH]);
    const asked = claimRun(GRAPH, { input: { log: ["in"] } });
    const waiting = await execute(runtime, asked);
    expect(waiting.outcome).toMatchObject({ status: "success", isThreadInterrupted: true });
    const resume = claimNext(asked, { command: { resume: "Ada" } });
    const drain = new AbortController();
    const drained = await execute(runtime, resume, { drainSignal: drain.signal, onEvent: () => drain.abort() });
    expect(drained.outcome.status).toBe("drained");
    const done = await execute(runtime, claimAgain(resume));
    expect(JSON.parse(done.outcome.values?.json ?? "")).toEqual({ log: ["in", "Ada", "hello Ada", "bye"] });
    const jump = claimNext(asked, { command: { goto: { node: "greet", input: { log: ["sent"] } } } });
    const jumped = await execute(runtime, jump);
    expect(JSON.parse(jumped.outcome.values?.json ?? "").log.slice(4)).toEqual(["hello sent", "bye"]);
    const context = { threadId: asked.run.threadId, graphId: GRAPH, config: {} };
    const fence = { threadId: asked.run.threadId, runId: "", epoch: "1" };
    const update = { values: { log: ["by hand"] }, asNode: "greet" };
    const write = await runtime.stateWriter.updateState(context, fence, update, undefined);
    expect(write.isThreadInterrupted).toBe(true);
  });

  it("streams flat messages", async () => {
    const runtime = createTestRuntime([CHAT]);
    const claimed = claimRun(CHAT, {
      input: { messages: [{ role: "user", content: "hi", id: "m1" }] },
      streamMode: ["messages-tuple", "values", "messages"],
    });
    const { events, outcome } = await execute(runtime, claimed);
    const chunks = events
      .filter(({ event }) => event === "messages")
      .map(({ data }) => (data as [{ content: string }])[0]);
    expect(chunks.map(({ content }) => content).join("")).toBe("Hello you");
    expect(events.map(({ event }) => event)).toContain("messages/partial");
    expect(JSON.parse(outcome.finalValuesJson ?? "").messages).toMatchObject([
      { type: "human", id: "m1" },
      { type: "ai" },
    ]);
  });
});
