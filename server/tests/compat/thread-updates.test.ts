// Updates of thread state through both lines of the official client.
import { expect } from "vitest";
import { UNKNOWN_ID } from "../harness/plain-http.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask"] });
const updates = sdkTests(server, "updates of thread state");

updates("are applied as a node, and the thread goes on from there", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("hi") });
  const updated = await client.threads.updateState(thread_id, {
    values: { messages: [{ role: "user", content: "edited" }] },
    asNode: "__start__",
  });
  const state = await client.threads.getState(thread_id);
  expect(textsOf(state)).toEqual(["hi", "You said: hi", "edited"]);
  expect(state.next).toEqual(["agent"]);
  expect(state.metadata).toMatchObject({ source: "update" });
  expect(updated).toMatchObject({ checkpoint: { thread_id, checkpoint_id: state.checkpoint.checkpoint_id } });
  expect((await client.threads.get(thread_id)).values).toEqual(state.values);
  await client.runs.wait(thread_id, "agent", { input: null });
  expect(textsOf(await client.threads.getState(thread_id)).at(-1)).toBe("You said: edited");
});

updates("replace a message by its id and remove one", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const input = { messages: [{ role: "user", content: "hi", id: "m1" }] };
  await client.runs.wait(thread_id, "agent", { input });
  await client.threads.updateState(thread_id, {
    values: { messages: [{ type: "human", content: "hey", id: "m1" }] },
  });
  expect(textsOf(await client.threads.getState(thread_id))).toEqual(["hey", "You said: hi"]);
  await client.threads.updateState(thread_id, { values: { messages: [{ type: "remove", id: "m1", content: "" }] } });
  expect(textsOf(await client.threads.getState(thread_id))).toEqual(["You said: hi"]);
});

updates("of nothing mark the node as done", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask", { input: { answers: [] } });
  expect((await client.threads.get(thread_id)).status).toBe("interrupted");
  await client.threads.updateState(thread_id, { values: null, asNode: "ask" });
  const state = await client.threads.getState<{ answers: string[] }>(thread_id);
  expect([state.next, state.values.answers]).toEqual([["after"], ["before"]]);
  expect(await client.runs.wait(thread_id, "ask", { input: null })).toEqual({ answers: ["before", "after"] });
  expect(await client.threads.get(thread_id)).toMatchObject({ status: "idle", interrupts: {} });
});

updates("fork from an earlier checkpoint", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  for (const text of ["one", "two"]) await client.runs.wait(thread_id, "agent", { input: human(text) });
  const history = await client.threads.getHistory(thread_id, { limit: 100 });
  const base = history.find((state) => textsOf(state).length === 2)!.checkpoint;
  await client.threads.updateState(thread_id, { values: human("other"), checkpoint: base, asNode: "__start__" });
  await client.runs.wait(thread_id, "agent", { input: null });
  expect(textsOf(await client.threads.getState(thread_id))).toEqual([
    "one",
    "You said: one",
    "other",
    "You said: other",
  ]);
  expect((await client.threads.getHistory(thread_id, { limit: 100 })).length).toBe(history.length + 2);
});

updates("need a graph, an unambiguous node and an idle thread", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const values = human("x");
  await expect(client.threads.updateState(thread_id, { values })).rejects.toThrow(/HTTP 400.*has no graph ID/);
  await expect(client.threads.updateState(UNKNOWN_ID, { values })).rejects.toThrow(/HTTP 404/);
  const known = await client.threads.create({ graphId: "agent" });
  const noNode = client.threads.updateState(known.thread_id, { values, asNode: "no_such_node" });
  await expect(noNode).rejects.toThrow(/HTTP 4\d\d.*no_such_node/s);
  await client.runs.create(known.thread_id, "agent", { input: values, afterSeconds: 600 });
  expect((await client.threads.get(known.thread_id)).status).toBe("busy");
  await expect(client.threads.updateState(known.thread_id, { values })).rejects.toThrow(/HTTP 409.*Thread is busy/);
});

updates("of metadata go to the thread (patchState)", async ({ client }) => {
  const { thread_id } = await client.threads.create({ metadata: { a: 1 } });
  await client.threads.patchState(thread_id, { b: 2 });
  expect((await client.threads.get(thread_id)).metadata).toEqual({ a: 1, b: 2 });
});

updates(
  "prune: all of a thread, or all but its newest checkpoints",
  async ({ client }) => {
    const ids = [(await client.threads.create()).thread_id, (await client.threads.create()).thread_id];
    for (const id of ids) {
      for (const text of ["one", "two"]) await client.runs.wait(id, "agent", { input: human(text) });
    }
    const before = await client.threads.getState(ids[0]!);
    expect(await client.threads.prune([ids[0]!], { strategy: "keep_latest" })).toEqual({ pruned_count: 1 });
    expect(await client.threads.getHistory(ids[0]!)).toHaveLength(1);
    expect((await client.threads.getState(ids[0]!)).values).toEqual(before.values);
    await client.runs.wait(ids[0]!, "agent", { input: human("three") });
    expect(textsOf(await client.threads.getState(ids[0]!))).toHaveLength(6);
    expect(await client.threads.prune([ids[1]!, UNKNOWN_ID])).toEqual({ pruned_count: 1 });
    await expect(client.threads.get(ids[1]!)).rejects.toThrow("HTTP 404");
  },
  { versions: ["1.15.0"] },
);
