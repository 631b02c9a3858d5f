// Each stream mode's events on the wire, with real graphs: names, order and payloads.
import { describe, expect, it } from "vitest";
import type { StreamMode } from "../domain/run.ts";
import { claimNext, claimRun, createTestRuntime, type Execution, execute } from "./testing/execution-harness.ts";

const COUNTER = "counter:graph";
const QUESTION = { messages: [{ role: "user", content: "hi", id: "m1" }] };

async function stream(graphId: string, input: unknown, streamMode: StreamMode[], streamSubgraphs = false) {
  const claimed = claimRun(graphId, { input, streamMode, streamSubgraphs });
  const execution = await execute(createTestRuntime([graphId]), claimed);
  return { ...execution, claimed };
}

function names({ events }: Execution): string[] {
  return events.map(({ event }) => event);
}

describe("debug, tasks and checkpoints", () => {
  it("tasks: start and result of each task", async () => {
    const { events } = await stream(COUNTER, { count: 0 }, ["tasks"]);
    expect(events.map(({ event }) => event)).toEqual(["tasks", "tasks", "tasks", "tasks"]);
    expect(events[0]?.data).toMatchObject({
      name: "first",
      input: { count: 0, log: [] },
      triggers: ["branch:to:first"],
      interrupts: [],
    });
    expect(events[1]?.data).toMatchObject({ name: "first", result: { count: 1, log: ["first"] }, interrupts: [] });
  });

  it("checkpoints: values, metadata and next after the input and each superstep", async () => {
    const { events } = await stream(COUNTER, { count: 0 }, ["checkpoints"]);
    expect(events.map(({ data }) => (data as { next: string[] }).next)).toEqual([
      ["__start__"],
      ["first"],
      ["second"],
      [],
    ]);
    expect(Object.keys(events[1]?.data as object).sort()).toEqual(["metadata", "next", "values"]);
  });

  it("debug: checkpoints carry their address, and neither internals nor the caller's identity", async () => {
    const claimed = claimRun(COUNTER, {
      input: { count: 0 },
      streamMode: ["debug"],
      config: { configurable: { langgraph_auth_user: { identity: "ada", token: "secret" }, tenant: "t1" } },
    });
    const { events } = await execute(createTestRuntime([COUNTER]), claimed);
    expect(JSON.stringify(events)).not.toMatch(/langgraph_auth_user|secret/);
    const types = events.map(({ data }) => (data as { type: string }).type);
    expect(types).toEqual([
      "checkpoint",
      "checkpoint",
      "task",
      "task_result",
      "checkpoint",
      "task",
      "task_result",
      "checkpoint",
    ]);
    const { payload } = (events[4]?.data ?? {}) as { payload: Record<string, unknown> };
    expect(payload).toMatchObject({
      checkpoint: { thread_id: claimed.run.threadId, checkpoint_ns: "" },
      parent_checkpoint: { thread_id: claimed.run.threadId },
      config: { configurable: { tenant: "t1", run_id: claimed.run.runId } },
      next: ["second"],
      tasks: [{ name: "second" }],
    });
    const { configurable } = payload.config as { configurable: object };
    expect(Object.keys(configurable).filter((key) => key.startsWith("__"))).toEqual([]);
    expect(payload).toHaveProperty("parent_config");
    expect(payload).not.toHaveProperty("parentConfig");
  });
});

describe("messages", () => {
  it("sends metadata once, growing partial messages, and each message complete once", async () => {
    const { events } = await stream("chat:graph", QUESTION, ["messages"]);
    const order = events.map(({ event }) => event).filter((event, index, all) => event !== all[index - 1]);
    expect(order).toEqual(["messages/complete", "messages/metadata", "messages/partial", "messages/complete"]);
    const partial = events
      .filter(({ event }) => event === "messages/partial")
      .map(({ data }) => data as [{ content: string; id: string }]);
    expect(partial.at(0)?.[0].content).toBe("H");
    expect(partial.at(-1)?.[0].content).toBe("Hello you");
    const id = partial[0]?.[0].id ?? "";
    expect(events[1]?.data).toMatchObject({ [id]: { metadata: { langgraph_node: "model" } } });
    const complete = events
      .filter(({ event }) => event === "messages/complete")
      .flatMap(({ data }) => data as { id: string }[]);
    expect(complete.map((message) => message.id)).toEqual(["m1", id]);
  });

  it("comes from models inside subgraphs without namespaces, and keeps other modes at the root", async () => {
    const execution = await stream("chat:parent", QUESTION, ["messages", "updates"]);
    expect(new Set(names(execution))).toEqual(
      new Set(["messages/complete", "messages/metadata", "messages/partial", "updates"]),
    );
    const updates = execution.events.filter(({ event }) => event === "updates");
    expect(updates.map(({ data }) => Object.keys(data as object))).toEqual([["child"]]);
  });

  it("leaves models tagged nostream out of partial messages", async () => {
    const execution = await stream("chat:quiet", QUESTION, ["messages"]);
    expect(new Set(names(execution))).toEqual(new Set(["messages/complete"]));
  });

  it("streams an agent's model", async () => {
    const { events, outcome } = await stream("chat:agent", QUESTION, ["messages-tuple"]);
    const chunks = events.map(({ data }) => (data as [{ content: string }])[0].content);
    expect(chunks.length).toBeGreaterThan(3);
    expect(chunks.join("")).toBe("I am an agent");
    expect(JSON.parse(outcome.values?.json ?? "").messages).toHaveLength(2);
  });
});

describe("events, custom and tools", () => {
  it("events: LangChain's events beside the other modes", async () => {
    const { events, claimed } = await stream("chat:graph", QUESTION, ["events", "values"]);
    expect(events.filter(({ event }) => event === "values")).toHaveLength(2);
    const kinds = events.filter(({ event }) => event === "events").map(({ data }) => data as Record<string, unknown>);
    expect(kinds[0]).toMatchObject({ event: "on_chain_start", run_id: claimed.run.runId });
    expect(kinds.at(-1)).toMatchObject({ event: "on_chain_end", run_id: claimed.run.runId });
    const token = kinds.find(({ event }) => event === "on_chat_model_stream");
    expect(token).toMatchObject({ data: { chunk: { type: "ai", content: "H" } } });
  });

  it("custom: what the writer wrote; tools: the life of each call", async () => {
    const { events } = await stream("nested:custom", {}, ["custom", "tools"]);
    expect(events[0]).toEqual({ event: "custom", data: { progress: 50 } });
    const tools = events.slice(1).map(({ event, data }) => [event, (data as { event: string }).event]);
    expect(tools).toEqual([
      ["tools", "on_tool_start"],
      ["tools", "on_tool_end"],
    ]);
    expect(events[1]?.data).toMatchObject({ toolCallId: "call-1", name: "add" });
    expect(events[2]?.data).toMatchObject({ output: { type: "tool", content: "3", tool_call_id: "call-1" } });
  });
});

describe("subgraphs", () => {
  it("names events after the namespace when asked to, and only then", async () => {
    const flat = await stream("nested:top", {}, ["updates"]);
    expect(names(flat)).toEqual(["updates"]);
    const nested = await stream("nested:top", {}, ["updates", "values"], true);
    const shapes = names(nested).map((name) => name.replaceAll(/:[0-9a-f-]{36}/g, ":id"));
    expect(shapes).toContain("updates|middle:id");
    expect(shapes).toContain("values|middle:id|bottom:id");
    expect(shapes.filter((name) => name === "updates")).toHaveLength(1);
  });

  it("sends message chunks of a subgraph under its namespace", async () => {
    const nested = await stream("chat:parent", QUESTION, ["messages-tuple"], true);
    expect(names(nested).every((name) => /^messages\|child:[0-9a-f-]{36}$/.test(name))).toBe(true);
    const flat = await stream("chat:parent", QUESTION, ["messages-tuple"]);
    expect(flat.events.length).toBeLessThanOrEqual(1);
  });
});

describe("interrupts", () => {
  it("come as updates and then values, and end the run as a success with a waiting thread", async () => {
    const { events, outcome } = await stream("interrupts:single", {}, ["updates", "values"]);
    const [update, values] = events.slice(-2);
    expect(update).toMatchObject({ event: "updates", data: { __interrupt__: [{ value: "name?" }] } });
    expect(values).toEqual({ event: "values", data: update?.data });
    expect(outcome).toMatchObject({ status: "success", isThreadInterrupted: true });
    const { __interrupt__: raised } = (update?.data ?? {}) as { __interrupt__: unknown[] };
    expect(Object.values(outcome.interrupts)).toEqual([raised]);
    expect(outcome.values?.json).toBe('{"answers":["prepared"]}');
  });

  it("of several tasks are all kept, and answered by one map of answers", async () => {
    const { outcome } = await stream("interrupts:parallel", {}, ["values"]);
    const open = Object.values(outcome.interrupts).flat();
    expect(open.map(({ value }) => value).sort()).toEqual(["left?", "right?"]);
  });

  it("resumes with a map, with a command's update and goto, and from inside nested graphs", async () => {
    const runtime = createTestRuntime(["interrupts:parallel", "nested:top"]);
    const parallel = claimRun("interrupts:parallel", { input: {} });
    const waiting = await execute(runtime, parallel);
    const open = Object.values(waiting.outcome.interrupts).flat();
    const resume = Object.fromEntries(open.map(({ id, value }) => [id ?? "", `to ${value}`]));
    const done = await execute(
      runtime,
      claimNext(parallel, { command: { resume, update: [["answers", ["updated"]]] } }),
    );
    expect(JSON.parse(done.outcome.values?.json ?? "").answers.sort()).toEqual([
      "left to left?",
      "right to right?",
      "updated",
    ]);
    expect(done.outcome).toMatchObject({ isThreadInterrupted: false, interrupts: {} });

    const nested = claimRun("nested:top", { input: {} });
    const deep = await execute(runtime, nested);
    expect(Object.values(deep.outcome.interrupts).flat()).toMatchObject([{ value: "deep?" }]);
    const answered = await execute(runtime, claimNext(nested, { command: { resume: 42 } }));
    // Each graph hands its whole trail up, and the graph above appends it to its own.
    const { trail } = JSON.parse(answered.outcome.values?.json ?? "") as { trail: string[] };
    expect(trail).toEqual(["before", "before", "answer 42", "after"]);
  });

  it("goes where a command says", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const first = claimRun(COUNTER, { input: { count: 0 } });
    await execute(runtime, first);
    const jump = claimNext(first, {
      command: { update: { count: 10 }, goto: { node: "second", input: { count: 20, log: [] } } },
    });
    const { outcome } = await execute(runtime, jump);
    expect(JSON.parse(outcome.values?.json ?? "")).toEqual({ log: ["first", "second", "second"], count: 21 });
  });

  it("stops before and after nodes, says so with an empty list, and goes on with no input", async () => {
    const runtime = createTestRuntime([COUNTER]);
    const first = claimRun(COUNTER, { input: { count: 0 }, interruptBefore: "*" });
    const stopped = await execute(runtime, first);
    expect(stopped.events.at(-1)).toEqual({ event: "values", data: { __interrupt__: [] } });
    expect(stopped.outcome).toMatchObject({ status: "success", isThreadInterrupted: true });
    expect(Object.values(stopped.outcome.interrupts)).toEqual([[]]);
    const next = await execute(runtime, claimNext(first, { input: null, interruptBefore: ["second"] }));
    expect(next.outcome.isThreadInterrupted).toBe(true);
    const last = await execute(runtime, claimNext(first, { input: null, interruptBefore: [] }));
    expect(JSON.parse(last.outcome.values?.json ?? "")).toEqual({ log: ["first", "second"], count: 2 });
  });
});
