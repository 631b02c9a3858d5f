// Whole threads: copying, rolling a run back, pruning, deleting, reading many at once; and delta channels read in one statement.
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import {
  Annotation,
  Command,
  DeltaChannel,
  interrupt,
  MessagesAnnotation,
  messagesDeltaReducer,
  START,
  StateGraph,
} from "@langchain/langgraph";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { readChannelValues, readHeadValues } from "./channel-values.ts";
import { copyThreadCheckpoints } from "./copy.ts";
import { deleteRunCheckpoints, deleteThreadCheckpoints } from "./delete.ts";
import type { AnyGraph } from "./graph-scenarios.ts";
import { pruneThreadCheckpoints } from "./prune.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
let threadId: string;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  threadId = await addThread();
});

async function addThread(): Promise<string> {
  const id = mintId();
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 0)", [id]);
  return id;
}

const LONG = "words that fill an item ".repeat(30);

function chat(runId?: string, id = threadId): AnyGraph {
  const fence = { threadId: id, epoch: "0", runId: runId ?? "" };
  const checkpointer = new HoldfastSaver({ pool: database.pool, ...(runId === undefined ? {} : { fence }) });
  return new StateGraph(MessagesAnnotation)
    .addNode("reply", ({ messages }) => ({
      messages: [new AIMessage({ id: mintId(), content: `${messages.length} ${LONG}` })],
    }))
    .addEdge(START, "reply")
    .compile({ checkpointer });
}

const ask = (graph: AnyGraph, id = threadId): Promise<unknown> =>
  graph.invoke(
    { messages: [new HumanMessage({ id: mintId(), content: `question ${LONG}` })] },
    { configurable: { thread_id: id } },
  );

async function contents(id = threadId): Promise<unknown[]> {
  const state = await chat(undefined, id).getState({ configurable: { thread_id: id } });
  return (state.values.messages ?? []).map(({ content }: BaseMessage) => content);
}

async function countRows(id = threadId): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<Record<string, number>>(
    `select (select count(*)::int from checkpoint where thread_id = $1) as checkpoints,
       (select count(*)::int from checkpoint_write where thread_id = $1) as writes,
       (select count(*)::int from checkpoint_item where thread_id = $1) as items`,
    [id],
  );
  return rows[0] as Record<string, number>;
}

async function historyOf(id: string): Promise<unknown[]> {
  const seen: unknown[] = [];
  for await (const { values, next, metadata, config } of chat(undefined, id).getStateHistory({
    configurable: { thread_id: id },
  }))
    seen.push(JSON.parse(JSON.stringify({ values, next, step: metadata.step, id: config.configurable.checkpoint_id })));
  return seen;
}

test("a copy has the same history under the same ids, and goes its own way", async () => {
  for (const run of ["one", "two"]) await ask(chat(run));
  const copy = await addThread();
  await copyThreadCheckpoints(database.pool, threadId, copy);
  expect(await historyOf(copy)).toEqual(await historyOf(threadId));
  const { rows } = await database.pool.query(
    "select distinct metadata ->> 'thread_id' as id from checkpoint where thread_id = $1",
    [copy],
  );
  expect(rows).toEqual([{ id: copy }]);
  await ask(chat("three", copy), copy);
  expect(await contents(copy)).toHaveLength(6);
  expect(await contents()).toHaveLength(4);
});

test("rolling a run back restores the state before it", async () => {
  await ask(chat("one"));
  const before = await chat().getState({ configurable: { thread_id: threadId } });
  const kept = await contents();
  await ask(chat("two"));
  expect(await contents()).toHaveLength(4);
  const head = await deleteRunCheckpoints(database.pool, threadId, "two");
  expect(head).toBe(before.config.configurable.checkpoint_id);
  expect(await contents()).toEqual(kept);
  await ask(chat("three"));
  expect((await contents()).slice(0, 2)).toEqual(kept);
  expect(await contents()).toHaveLength(4);
  expect(await deleteRunCheckpoints(database.pool, mintId(), "two")).toBeUndefined();
});

test("rolling back a resumed run also takes back its answer", async () => {
  const open = (runId: string): AnyGraph =>
    new StateGraph(MessagesAnnotation)
      .addNode("ask", () => ({ messages: [new AIMessage(`${interrupt("sure?")}`)] }))
      .addEdge(START, "ask")
      .compile({ checkpointer: new HoldfastSaver({ pool: database.pool, fence: { threadId, epoch: "0", runId } }) });
  const config = { configurable: { thread_id: threadId } };
  await open("one").invoke({ messages: [new HumanMessage("go")] }, config);
  await open("two").invoke(new Command({ resume: "yes" }), config);
  expect(await contents()).toEqual(["go", "yes"]);
  await deleteRunCheckpoints(database.pool, threadId, "two");
  const state = await open("look").getState(config);
  expect(state.tasks[0].interrupts[0].value).toBe("sure?");
  await open("three").invoke(new Command({ resume: "no" }), config);
  expect(await contents()).toEqual(["go", "no"]);
});

test("pruning keeps the state and frees the rest", async () => {
  for (const run of ["one", "two", "three"]) await ask(chat(run));
  const config = { configurable: { thread_id: threadId } };
  await chat().updateState(config, { messages: [] });
  const kept = await contents();
  const before = await countRows();
  const other = await addThread();
  await ask(chat("one", other), other);
  const result = await pruneThreadCheckpoints(database.pool, threadId);
  const after = await countRows();
  expect(after).toMatchObject({ checkpoints: 1, items: 6 });
  expect(result.checkpointCount).toBe((before.checkpoints as number) - 1);
  expect(result.writeCount).toBe((before.writes as number) - (after.writes as number));
  expect(result.freedBytes).toBeGreaterThan(1_000);
  expect(await contents()).toEqual(kept);
  expect((await chat().getState(config)).parentConfig).toBeUndefined();
  await ask(chat("four"));
  expect(await contents()).toHaveLength(8);
  expect(await contents(other)).toHaveLength(2);
});

test("pruning removes items that only the past referred to", async () => {
  const saver = new HoldfastSaver({ pool: database.pool });
  const graph: AnyGraph = new StateGraph(Annotation.Root({ text: Annotation<string>() }))
    .addNode("write", ({ text }) => ({ text: `${text} ${LONG}` }))
    .addEdge(START, "write")
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: threadId } };
  for (const text of ["a", "b", "c"]) await graph.invoke({ text }, config);
  const result = await pruneThreadCheckpoints(database.pool, threadId);
  expect(result.itemCount).toBeGreaterThan(0);
  expect((await countRows()).items).toBe(1);
  expect((await graph.getState(config)).values.text).toBe(`c ${LONG}`);
});

function deltaChat(id = threadId): AnyGraph {
  const channel = new DeltaChannel(messagesDeltaReducer, { snapshotFrequency: 50 });
  const State = Annotation.Root({ messages: channel } as never) as unknown as typeof MessagesAnnotation;
  return new StateGraph(State)
    .addNode("reply", ({ messages }) => ({
      messages: [new AIMessage({ id: mintId(), content: `${messages.length}` })],
    }))
    .addEdge(START, "reply")
    .compile({
      checkpointer: new HoldfastSaver({ pool: database.pool, fence: { threadId: id, epoch: "0", runId: mintId() } }),
    });
}

test("pruning keeps what delta channels are rebuilt from", async () => {
  for (let turn = 0; turn < 4; turn++) await ask(deltaChat());
  const config = { configurable: { thread_id: threadId } };
  const wanted = JSON.stringify((await deltaChat().getState(config)).values);
  await pruneThreadCheckpoints(database.pool, threadId);
  expect(JSON.stringify((await deltaChat().getState(config)).values)).toBe(wanted);
  expect((await deltaChat().getState(config)).values.messages).toHaveLength(8);
});

test("a delta channel's history is one statement however long it is", async () => {
  for (let turn = 0; turn < 12; turn++) await ask(deltaChat());
  const saver = new HoldfastSaver({ pool: database.pool });
  const query = vi.spyOn(database.pool, "query");
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const history = await saver.getDeltaChannelHistory({ config, channels: ["messages"] });
  expect(query).toHaveBeenCalledTimes(1);
  query.mockRestore();
  expect(history.messages?.writes.length).toBe(24);
});

test("values of many threads are read in two statements", async () => {
  const others = await Promise.all(Array.from({ length: 5 }, addThread));
  for (const id of others) await ask(chat("one", id), id);
  const first = await chat(undefined, others[0]).getState({ configurable: { thread_id: others[0] } });
  await ask(chat("two", others[0]), others[0]);
  const query = vi.spyOn(database.pool, "query");
  const heads = await readHeadValues(database.pool, [...others, threadId]);
  expect(query).toHaveBeenCalledTimes(2);
  query.mockRestore();
  expect([...heads.keys()].sort()).toEqual([...others].sort());
  expect(heads.get(others[0] as string)?.channelValues.messages).toHaveLength(4);
  expect(heads.get(others[1] as string)?.channelValues.messages).toHaveLength(2);
  const checkpointId = first.config.configurable.checkpoint_id as string;
  const past = await readChannelValues(database.pool, [
    { threadId: others[0] as string, checkpointId, channels: ["messages"] },
  ]);
  expect(past.get(others[0] as string)).toMatchObject({ checkpointId });
  expect(Object.keys(past.get(others[0] as string)?.channelValues ?? {})).toEqual(["messages"]);
  expect(past.get(others[0] as string)?.channelValues.messages).toHaveLength(2);
});

test("deleting a thread leaves nothing of it, and nothing else out", async () => {
  const other = await addThread();
  for (const id of [threadId, other]) await ask(chat("one", id), id);
  await deleteThreadCheckpoints(database.pool, [threadId]);
  expect(await countRows()).toEqual({ checkpoints: 0, writes: 0, items: 0 });
  expect(await contents(other)).toHaveLength(2);
});
