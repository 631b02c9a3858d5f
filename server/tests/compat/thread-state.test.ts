// The state and the history of threads through both lines of the official client.
import { expect } from "vitest";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "nested_stop", "failing", "factory"] });
const threadState = sdkTests(server, "a thread's state");

threadState("is empty, not missing, before the first run", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  expect(await client.threads.getState(thread_id)).toEqual({
    values: {},
    next: [],
    tasks: [],
    created_at: null,
    checkpoint: null,
    parent_checkpoint: null,
  });
  expect(await client.threads.getHistory(thread_id)).toEqual([]);
});

threadState("holds values, metadata and checkpoints after a run", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("hi"), metadata: { source_of: "test" } });
  const state = await client.threads.getState<{ messages: { id: string }[] }>(thread_id);
  expect(textsOf(state)).toEqual(["hi", "You said: hi"]);
  expect(state.values.messages.every(({ id }) => typeof id === "string")).toBe(true);
  expect(state.next).toEqual([]);
  expect(state.metadata).toMatchObject({ source: "loop", step: 1, graph_id: "agent", source_of: "test" });
  expect(state.checkpoint).toMatchObject({ thread_id, checkpoint_ns: "" });
  expect(state.parent_checkpoint).toMatchObject({ thread_id, checkpoint_ns: "" });
  const [run] = await client.runs.list(thread_id);
  expect(state.metadata).toMatchObject({ run_id: run!.run_id, assistant_id: run!.assistant_id });
  expect(JSON.stringify(state.metadata)).not.toContain("langgraph_auth");
  const thread = await client.threads.get(thread_id);
  expect(thread.values).toEqual(state.values);
  expect(thread.metadata).toMatchObject({ graph_id: "agent", assistant_id: run!.assistant_id });
});

threadState("is read at any checkpoint, by id or as an object", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("one") });
  await client.runs.wait(thread_id, "agent", { input: human("two") });
  const history = await client.threads.getHistory(thread_id);
  const early = history.find((state) => textsOf(state).length === 2)!;
  const byId = await client.threads.getState(thread_id, early.checkpoint.checkpoint_id!);
  const byObject = await client.threads.getState(thread_id, early.checkpoint);
  for (const state of [byId, byObject]) {
    expect(textsOf(state)).toEqual(["one", "You said: one"]);
    expect(state.checkpoint.checkpoint_id).toBe(early.checkpoint.checkpoint_id);
  }
});

threadState("has a history, newest first, that can be limited, cut off and filtered", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  for (const text of ["one", "two"]) await client.runs.wait(thread_id, "agent", { input: human(text) });
  const history = await client.threads.getHistory(thread_id, { limit: 100 });
  expect(history.map(({ metadata }) => metadata?.step)).toEqual([4, 3, 2, 1, 0, -1]);
  expect(history.map((state) => textsOf(state).length)).toEqual([4, 3, 2, 2, 1, 0]);
  for (const [index, state] of history.entries()) {
    const parent = history[index + 1]?.checkpoint.checkpoint_id;
    expect(state.parent_checkpoint?.checkpoint_id).toBe(parent);
  }
  expect(await client.threads.getHistory(thread_id, { limit: 2 })).toEqual(history.slice(0, 2));
  const before = { configurable: { thread_id, checkpoint_id: history[2]!.checkpoint.checkpoint_id } };
  expect(await client.threads.getHistory(thread_id, { before: before as never })).toEqual(history.slice(3));
  const inputs = await client.threads.getHistory(thread_id, { metadata: { source: "input" } });
  expect(inputs.map(({ metadata }) => metadata?.step)).toEqual([2, -1]);
  const [latest] = await client.runs.list(thread_id, { limit: 1 });
  const ofRun = await client.threads.getHistory(thread_id, { metadata: { run_id: latest!.run_id } });
  expect(ofRun.map(({ metadata }) => metadata?.step)).toEqual([4, 3, 2]);
});

threadState("of a subgraph is read by its namespace while it is interrupted in it", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const options = { input: { trail: [] }, streamSubgraphs: true, streamMode: "values" as const };
  const stream = client.runs.stream(thread_id, "nested_stop", options);
  const names: string[] = [];
  for await (const { event } of stream) names.push(event);
  expect(names.some((name) => /^values\|gp_two:[^|]+\|p_two:[^|]+$/.test(name))).toBe(true);
  const state = await client.threads.getState(thread_id, undefined, { subgraphs: true });
  expect(state.next).toEqual(["gp_two"]);
  const inner = state.tasks[0]!.state!;
  expect(inner.next).toEqual(["p_two"]);
  const innermost = inner.tasks[0]!.state!;
  expect(innermost.next).toEqual(["c_two"]);
  expect((innermost.values as { trail: string[] }).trail).toEqual(["gp_one", "p_one", "c_one"]);
  const flat = await client.threads.getState(thread_id);
  expect(flat.tasks[0]!.state).toBeNull();
  const { checkpoint } = flat.tasks[0]!;
  expect(checkpoint).toMatchObject({ thread_id, checkpoint_ns: expect.stringMatching(/^gp_two:/) });
  const byNamespace = await client.threads.getState(thread_id, checkpoint as never);
  expect(byNamespace.next).toEqual(["p_two"]);
  const history = await client.threads.getHistory(thread_id, {
    checkpoint: { checkpoint_ns: checkpoint!.checkpoint_ns! },
  });
  expect(history[0]!.next).toEqual(["p_two"]);
  expect(history.every((each) => each.checkpoint.checkpoint_ns === checkpoint!.checkpoint_ns)).toBe(true);
  const rootOnly = await client.threads.getHistory(thread_id);
  expect(rootOnly.every((each) => each.checkpoint.checkpoint_ns === "")).toBe(true);
  const done = await client.runs.wait(thread_id, "nested_stop", { input: null });
  expect(done).toMatchObject({ trail: expect.arrayContaining(["gp_one", "p_one", "c_one", "c_two"]) });
});

threadState("keeps a task's error", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "failing", { input: {}, raiseError: false });
  expect((await client.threads.get(thread_id)).status).toBe("error");
  const { tasks } = await client.threads.getState(thread_id);
  expect(tasks).toHaveLength(1);
  expect(tasks[0]).toMatchObject({ name: "pay", error: expect.stringContaining("card refused") });
});

threadState("of a factory's graph is read with the thread's configuration", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "factory", {
    input: {},
    config: { configurable: { node: "special" } },
    interruptBefore: ["special"],
  });
  expect((await client.threads.getState(thread_id)).next).toEqual(["special"]);
  expect((await client.threads.getHistory(thread_id))[0]!.next).toEqual(["special"]);
});
