// Threads through both lines of the official client.
import { expect } from "vitest";
import { UNKNOWN_ID } from "../harness/plain-http.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, type State, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask", "loose"] });
const threads = sdkTests(server, "threads");

threads("start idle, without values, under a given id or a new one", async ({ client }) => {
  const thread = await client.threads.create({ metadata: { user: "u1" }, graphId: "agent" });
  expect(thread).toMatchObject({
    status: "idle",
    values: null,
    interrupts: {},
    metadata: { user: "u1", graph_id: "agent" },
  });
  expect(await client.threads.get(thread.thread_id)).toEqual(thread);
  const threadId = crypto.randomUUID();
  expect((await client.threads.create({ threadId })).thread_id).toBe(threadId);
  await expect(client.threads.create({ threadId })).rejects.toThrow(/HTTP 409.*Thread already exists/s);
  const same = await client.threads.create({ threadId, ifExists: "do_nothing", metadata: { other: true } });
  expect(same.metadata).toEqual({});
});

threads("have their metadata merged at the top level by an update", async ({ client }) => {
  const { thread_id } = await client.threads.create({ metadata: { a: 1, deep: { x: 1 } } });
  const updated = await client.threads.update(thread_id, { metadata: { b: 2, deep: { y: 1 } } });
  expect(updated.metadata).toEqual({ a: 1, b: 2, deep: { y: 1 } });
  expect((await client.threads.get(thread_id)).metadata).toEqual(updated.metadata);
});

threads("are found by metadata, status, ids and values, sorted and paged", async ({ client, version }) => {
  const mark = crypto.randomUUID();
  const ids: string[] = [];
  for (const kind of ["one", "two", "three"]) {
    ids.push((await client.threads.create({ metadata: { mark, kind, list: [kind, "all"] } })).thread_id);
  }
  await client.runs.wait(ids[0]!, "loose", { input: { value: { name: kindOf(0) } } });
  await client.runs.wait(ids[1]!, "ask", { input: { answers: [] } });
  const search = async (query: object) =>
    (await client.threads.search({ metadata: { mark }, ...query })).map(({ thread_id }) => ids.indexOf(thread_id));
  expect(await search({})).toEqual([2, 1, 0]);
  expect(await search({ sortBy: "created_at", sortOrder: "asc" })).toEqual([0, 1, 2]);
  expect((await search({ sortBy: "updated_at" }))[0]).toBe(1);
  expect(await search({ sortBy: "thread_id", sortOrder: "asc" })).toEqual(
    [0, 1, 2].sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1)),
  );
  expect(await search({ metadata: { mark, kind: "two" } })).toEqual([1]);
  expect(await search({ metadata: { mark, list: ["three"] } })).toEqual([2]);
  expect(await search({ status: "interrupted" })).toEqual([1]);
  expect(await search({ status: "idle" })).toEqual([2, 0]);
  expect(await search({ limit: 1, offset: 1 })).toEqual([1]);
  expect(await search({ values: { value: { name: "one" } } })).toEqual([0]);
  expect(await search({ values: { value: { name: "two" } } })).toEqual([]);
  if (version !== "2.0.0") expect(await search({ ids: [ids[0], ids[2]] })).toEqual([2, 0]);
  expect(await client.threads.count({ metadata: { mark } })).toBe(3);
  expect(await client.threads.count({ metadata: { mark }, status: "interrupted" })).toBe(1);
});

threads("are searched with the selected fields only", async ({ client }) => {
  const mark = crypto.randomUUID();
  const { thread_id } = await client.threads.create({ metadata: { mark } });
  const found = await client.threads.search({ metadata: { mark }, select: ["thread_id", "status"] });
  expect(found).toEqual([{ thread_id, status: "idle" }]);
});

threads("are gone with their runs and state once deleted", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("hi") });
  const [run] = await client.runs.list(thread_id);
  await client.threads.delete(thread_id);
  const missing = new RegExp(`HTTP 404.*Thread with ID ${thread_id} not found`);
  await expect(client.threads.get(thread_id)).rejects.toThrow(missing);
  await expect(client.threads.getState(thread_id)).rejects.toThrow(missing);
  await expect(client.threads.getHistory(thread_id)).rejects.toThrow(missing);
  await expect(client.threads.delete(thread_id)).rejects.toThrow(missing);
  await expect(client.threads.update(thread_id, { metadata: {} })).rejects.toThrow(missing);
  await expect(client.runs.get(thread_id, run!.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  await expect(client.runs.create(thread_id, "agent", { input: human("hi") })).rejects.toThrow(missing);
});

threads("are copied with their whole history, and go separate ways from there", async ({ client }) => {
  const { thread_id } = await client.threads.create({ metadata: { kind: "original" } });
  await client.runs.wait(thread_id, "agent", { input: human("one") });
  const copy = await client.threads.copy(thread_id);
  expect(copy.thread_id).not.toBe(thread_id);
  expect(copy.metadata).toMatchObject({ kind: "original", graph_id: "agent", thread_id: copy.thread_id });
  expect(copy.status).toBe("idle");
  const [ours, theirs] = await Promise.all([thread_id, copy.thread_id].map((id) => client.threads.getHistory(id)));
  const chain = (history: State[]) =>
    history.map(({ checkpoint, parent_checkpoint, values, next }) => ({
      id: checkpoint.checkpoint_id,
      parent: parent_checkpoint?.checkpoint_id,
      values,
      next,
    }));
  expect(chain(theirs!)).toEqual(chain(ours!));
  expect(theirs!.every(({ checkpoint }) => checkpoint.thread_id === copy.thread_id)).toBe(true);
  expect(theirs!.length).toBeGreaterThan(2);
  await client.runs.wait(copy.thread_id, "agent", { input: human("two") });
  expect(textsOf(await client.threads.getState(copy.thread_id))).toHaveLength(4);
  expect(textsOf(await client.threads.getState(thread_id))).toHaveLength(2);
  expect(await client.threads.getHistory(thread_id)).toEqual(ours);
});

threads("cannot be copied when they do not exist", async ({ client }) => {
  await expect(client.threads.copy(UNKNOWN_ID)).rejects.toThrow(/HTTP 409.*Thread not found/);
});

threads("keep an interrupt's question through a copy, and either can be answered", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask", { input: { answers: [] } });
  const copy = await client.threads.copy(thread_id);
  expect((await client.threads.getState(copy.thread_id)).next).toEqual(["ask"]);
  const answered = await client.runs.wait(copy.thread_id, "ask", { command: { resume: "copy" } });
  expect(answered).toMatchObject({ answers: ["before", 'asked: "copy"', "after"] });
  expect((await client.threads.get(thread_id)).status).toBe("interrupted");
});

threads("begin with the state that supersteps give", async ({ client }) => {
  const thread = await client.threads.create({
    graphId: "agent",
    supersteps: [
      { updates: [{ values: human("first"), asNode: "__input__" }] },
      { updates: [{ values: human("first"), asNode: "__start__" }] },
      { updates: [{ values: { messages: [{ role: "ai", content: "second" }] }, asNode: "agent" }] },
    ],
  });
  const state = await client.threads.getState<{ messages: unknown[] }>(thread.thread_id);
  expect(textsOf(state)).toEqual(["first", "second"]);
  expect(state.next).toEqual([]);
  expect((await client.threads.getHistory(thread.thread_id)).length).toBeGreaterThanOrEqual(2);
  await client.runs.wait(thread.thread_id, "agent", { input: human("third") });
  expect(textsOf(await client.threads.getState(thread.thread_id))).toEqual([
    "first",
    "second",
    "third",
    "You said: third",
  ]);
});

threads("begin in the middle of a question that supersteps answer", async ({ client }) => {
  const thread = await client.threads.create({
    graphId: "ask",
    supersteps: [
      { updates: [{ values: { answers: [] }, asNode: "__input__" }] },
      { updates: [{ values: { answers: ["before by hand"] }, asNode: "before" }] },
      { updates: [{ values: {}, command: { update: { answers: ["asked by hand"] } }, asNode: "ask" }] },
    ],
  });
  expect((await client.threads.getState(thread.thread_id)).next).toEqual(["after"]);
  expect(await client.runs.wait(thread.thread_id, "ask", { input: null })).toEqual({
    answers: ["before by hand", "asked by hand", "after"],
  });
});

threads("with supersteps need a graph, and leave nothing behind when these fail", async ({ client }) => {
  const threadId = crypto.randomUUID();
  const supersteps = [{ updates: [{ values: human("x"), asNode: "no_such_node" }] }];
  await expect(client.threads.create({ threadId, supersteps })).rejects.toThrow(/HTTP 400.*has no graph ID/);
  await expect(client.threads.create({ threadId, graphId: "agent", supersteps })).rejects.toThrow(/HTTP 4\d\d/);
  await expect(client.threads.get(threadId)).rejects.toThrow("HTTP 404");
});

function kindOf(index: number): string {
  return ["one", "two", "three"][index]!;
}
