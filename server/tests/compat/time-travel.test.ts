// Going on from an earlier checkpoint, through both lines of the official client.
import { expect } from "vitest";
import { collect, type SdkClient } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, type State, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask"] });
const forks = sdkTests(server, "a fork");

/** A thread with two turns, and its history, newest first. */
async function talkTwice(client: SdkClient): Promise<{ threadId: string; history: State[] }> {
  const { thread_id: threadId } = await client.threads.create();
  for (const text of ["one", "two"]) await client.runs.wait(threadId, "agent", { input: human(text) });
  return { threadId, history: await client.threads.getHistory(threadId, { limit: 100 }) };
}

forks("with new input goes another way from there and becomes the thread's head", async ({ client }) => {
  const { threadId, history } = await talkTwice(client);
  const base = history.find((state) => textsOf(state).length === 2)!.checkpoint;
  const values = await client.runs.wait(threadId, "agent", { input: human("other"), checkpoint: base });
  expect(textsOf({ values } as never)).toEqual(["one", "You said: one", "other", "You said: other"]);
  const head = await client.threads.getState(threadId);
  expect(head.values).toEqual(values);
  expect((await client.threads.get(threadId)).values).toEqual(values);
  const all = await client.threads.getHistory(threadId, { limit: 100 });
  expect(all.slice(all.length - history.length)).toEqual(history);
  const first = all[all.length - history.length - 1]!;
  expect(first.parent_checkpoint?.checkpoint_id).toBe(base.checkpoint_id);
});

forks("without input does the next steps again (regenerate)", async ({ client }) => {
  const { threadId, history } = await talkTwice(client);
  const asked = history.find((state) => state.next[0] === "agent" && textsOf(state).length === 3)!;
  const items = await collect(
    client.runs.stream(threadId, "agent", { input: null, checkpoint: asked.checkpoint, streamMode: "updates" }),
  );
  expect(items.map(({ event }) => event)).toEqual(["metadata", "updates"]);
  const state = await client.threads.getState<{ messages: { id: string }[] }>(threadId);
  expect(textsOf(state)).toEqual(["one", "You said: one", "two", "You said: two"]);
  expect(state.values.messages[3]!.id).not.toBe((history[0]!.values as typeof state.values).messages[3]!.id);
});

forks("by the id alone, in the configuration or beside it, is the same", async ({ client }) => {
  const { threadId, history } = await talkTwice(client);
  const base = history.find((state) => textsOf(state).length === 2)!.checkpoint.checkpoint_id!;
  for (const where of [{ checkpointId: base }, { config: { configurable: { checkpoint_id: base } } }]) {
    const values = await client.runs.wait(threadId, "agent", { input: human("other"), ...where } as never);
    expect(textsOf({ values } as never)).toEqual(["one", "You said: one", "other", "You said: other"]);
  }
  const values = await client.runs.wait(threadId, "agent", { input: human("next") });
  expect(textsOf({ values } as never)).toHaveLength(6);
});

forks("from before an interrupt asks again", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "ask", { input: { answers: [] } });
  await client.runs.wait(thread_id, "ask", { command: { resume: "first" } });
  const history = await client.threads.getHistory(thread_id);
  const before = history.find(({ next }) => next[0] === "before")!;
  await client.runs.wait(thread_id, "ask", { input: null, checkpoint: before.checkpoint });
  expect((await client.threads.get(thread_id)).status).toBe("interrupted");
});

forks("from a checkpoint that does not exist is an answer, not a server error", async ({ client }) => {
  const { threadId } = await talkTwice(client);
  const run = client.runs.wait(threadId, "agent", {
    input: human("x"),
    checkpoint: { checkpoint_id: "1f1e0000-0000-6000-8000-000000000000", checkpoint_ns: "", checkpoint_map: null },
    raiseError: false,
  } as never);
  await expect(run).resolves.toBeTypeOf("object");
  expect((await client.threads.get(threadId)).status).not.toBe("busy");
});
