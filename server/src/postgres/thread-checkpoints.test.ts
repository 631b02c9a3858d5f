// Proves that what the repositories do to threads and runs is true of their checkpoints too: a real graph, the real checkpointer.
import { Annotation, type BaseCheckpointSaver, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import { createPersistence, type Persistence } from "./persistence.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let kept: Persistence;
beforeAll(async () => {
  database = await openTestDatabase();
  kept = createPersistence(database.pool, (value) => JSON.parse(JSON.stringify(value ?? null)), {
    idempotencyRetentionMs: 60_000,
    eventRetentionMs: 60_000,
  });
});
afterAll(() => database.close());

const State = Annotation.Root({ ...MessagesAnnotation.spec, topic: Annotation<string> });

function build(checkpointer: BaseCheckpointSaver) {
  return new StateGraph(State)
    .addNode("answer", (state) => ({
      messages: [{ role: "assistant", content: `answer to ${state.messages.at(-1)!.content}` }],
      topic: String(state.messages.at(-1)!.content),
    }))
    .addEdge(START, "answer")
    .compile({ checkpointer });
}

/** A run as the engine leaves it: its row, its checkpoints, and the thread showing the newest values. */
async function runOn(threadId: string, content: string): Promise<string> {
  const runId = mintId();
  const configurable = { thread_id: threadId, run_id: runId };
  const claimed = await database.pool.query<{ epoch: string }>(
    "update thread set epoch = epoch + 1 where thread_id = $1 returning epoch",
    [threadId],
  );
  const graph = build(kept.openCheckpointer({ threadId, runId, epoch: claimed.rows[0]!.epoch }));
  await graph.invoke({ messages: [{ role: "user", content }] }, { configurable, metadata: { run_id: runId } });
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, started_at)
     values ($1, $2, $2, 'success', '{}', 'enqueue', now())`,
    [runId, threadId],
  );
  const head = (await graph.getState({ configurable: { thread_id: threadId } })).config.configurable!.checkpoint_id;
  await database.pool.query(
    `update thread set "values" = jsonb_build_object('topic', $2::text), omitted_channels = '{messages}',
       head_checkpoint_id = $3 where thread_id = $1`,
    [threadId, content, head],
  );
  return runId;
}

async function createThread(): Promise<string> {
  return (await kept.threads.createThread({ threadId: mintId(), metadata: { owner: "a" } }, "raise")).threadId;
}

async function contents(threadId: string): Promise<unknown[]> {
  const thread = await kept.threads.findThread(threadId);
  const messages = thread!.values!.messages as { kwargs?: { content: unknown }; content?: unknown }[];
  return messages.map((message) => message.kwargs?.content ?? message.content);
}

async function history(threadId: string): Promise<string[]> {
  const ids: string[] = [];
  const graph = build(kept.openCheckpointer(undefined));
  for await (const state of graph.getStateHistory({ configurable: { thread_id: threadId } })) {
    ids.push(state.config.configurable!.checkpoint_id);
  }
  return ids;
}

async function rowCounts(threadId: string): Promise<number[]> {
  const counts: number[] = [];
  for (const table of ["thread", "run", "checkpoint", "checkpoint_write", "checkpoint_item"]) {
    const { rows } = await database.pool.query(`select count(*) from ${table} where thread_id = $1`, [threadId]);
    counts.push(Number(rows[0].count));
  }
  return counts;
}

test("a search shows the messages that rows leave out, and finds threads by them", async () => {
  const [a, b] = [await createThread(), await createThread()];
  await runOn(a, "first");
  await runOn(b, "second");
  expect(await contents(a)).toEqual(["first", "answer to first"]);
  const { items } = await kept.threads.searchThreads({ ids: [a, b], limit: 10, offset: 0, withValues: true });
  expect(items.map((thread) => (thread.values!.messages as unknown[]).length)).toEqual([2, 2]);
});

test("deleting the last run takes its checkpoints and shows the state before it; the next run builds on that", async () => {
  const threadId = await createThread();
  await runOn(threadId, "one");
  const before = await history(threadId);
  const second = await runOn(threadId, "two");
  expect(await contents(threadId)).toHaveLength(4);
  await kept.runs.deleteRun(second, threadId);
  expect(await history(threadId)).toEqual(before);
  expect(await contents(threadId)).toEqual(["one", "answer to one"]);
  expect(await kept.threads.findThread(threadId)).toMatchObject({ status: "idle", values: { topic: "one" } });
  await runOn(threadId, "three");
  expect(await contents(threadId)).toEqual(["one", "answer to one", "three", "answer to three"]);
});

test("deleting the only run leaves a thread without values", async () => {
  const threadId = await createThread();
  await kept.runs.deleteRun(await runOn(threadId, "one"), threadId);
  expect((await kept.threads.findThread(threadId))!.values).toBeNull();
  expect(await history(threadId)).toEqual([]);
});

test("a copy has the same history and then goes its own way", async () => {
  const source = await createThread();
  await runOn(source, "one");
  const copy = (await kept.threads.copyThread(source, mintId())).threadId;
  const shared = await history(source);
  expect(await history(copy)).toEqual(shared);
  expect(await contents(copy)).toEqual(["one", "answer to one"]);
  await runOn(copy, "only here");
  expect(await contents(copy)).toHaveLength(4);
  expect(await contents(source)).toHaveLength(2);
  expect(await history(source)).toEqual(shared);
  await kept.threads.deleteThread(source);
  expect(await contents(copy)).toHaveLength(4);
});

test("pruning keeps the newest state whole; deleting leaves nothing", async () => {
  const threadId = await createThread();
  for (const content of ["one", "two", "three"]) await runOn(threadId, content);
  expect((await history(threadId)).length).toBeGreaterThan(3);
  expect(await kept.threads.pruneThreads([threadId], "keep_latest")).toBe(1);
  expect(await history(threadId)).toHaveLength(1);
  expect(await contents(threadId)).toHaveLength(6);
  await runOn(threadId, "four");
  expect(await contents(threadId)).toHaveLength(8);
  await kept.threads.deleteThread(threadId);
  expect(await rowCounts(threadId)).toEqual([0, 0, 0, 0, 0]);
});
