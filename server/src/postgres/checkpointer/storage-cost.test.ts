// What a turn costs: statements, rows and bytes do not grow with the thread, and nothing is stored twice.
import { AIMessage, type BaseMessage, HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, Send, START, StateGraph } from "@langchain/langgraph";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { CheckpointCache } from "./cache.ts";
import type { AnyGraph } from "./graph-scenarios.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
let threadId: string;
let statements: string[];

beforeAll(async () => {
  database = await openTestDatabase();
  // Everything a connection is asked, with what the driver does on its own.
  const { query } = pg.Client.prototype;
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (this: pg.Client, ...args: unknown[]) {
    statements.push((args[0] as { name?: string }).name ?? String(args[0]));
    return (query as (...all: unknown[]) => unknown).apply(this, args) as never;
  } as never);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await database.close();
});
beforeEach(() => {
  threadId = mintId();
  statements = [];
});

const words = (count: number): string =>
  Array.from({ length: count }, () => Math.random().toString(36).slice(2, 8)).join(" ");

function chat(saver: HoldfastSaver): AnyGraph {
  return new StateGraph(MessagesAnnotation)
    .addNode("reply", () => ({ messages: [new AIMessage({ id: mintId(), content: words(150) })] }))
    .addNode("note", () => ({}))
    .addEdge(START, "reply")
    .addEdge("reply", "note")
    .compile({ checkpointer: saver });
}

async function countBytes(): Promise<number> {
  const { rows } = await database.pool.query<{ bytes: number }>(
    `select ((select coalesce(sum(pg_column_size(c.*)), 0) from checkpoint c where thread_id = $1)
      + (select coalesce(sum(pg_column_size(i.*)), 0) from checkpoint_item i where thread_id = $1)
      + (select coalesce(sum(pg_column_size(w.*)), 0) from checkpoint_write w where thread_id = $1))::int as bytes`,
    [threadId],
  );
  return rows[0]?.bytes ?? 0;
}

async function countItems(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    "select count(*)::int as count from checkpoint_item where thread_id = $1",
    [threadId],
  );
  return rows[0]?.count ?? -1;
}

test("a turn stores as many bytes at turn 400 as at turn 20", async () => {
  const saver = new HoldfastSaver({ pool: database.pool });
  const graph = chat(saver);
  const config = { configurable: { thread_id: threadId } };
  const cost: number[] = [];
  let before = 0;
  for (let turn = 1; turn <= 400; turn++) {
    await graph.invoke({ messages: [new HumanMessage(words(25))] }, config);
    if (turn % 20 !== 19 && turn % 20 !== 0) continue;
    const bytes = await countBytes();
    if (turn % 20 === 0) cost.push(bytes - before);
    before = bytes;
  }
  const [early, late] = [cost[0] as number, cost.at(-1) as number];
  expect(late).toBeLessThan(early * 1.1);
  expect(await countItems()).toBe(800);
}, 60_000);

test("a put is one statement, a putWrites is one, a read is one", async () => {
  const saver = new HoldfastSaver({ pool: database.pool });
  const messages: BaseMessage[] = Array.from({ length: 50 }, () => new HumanMessage(words(50)));
  const versions = { messages: 1, large: 1, small: 1 };
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(0),
    channel_values: { messages, large: { text: words(500) }, small: 1 },
    channel_versions: versions,
  };
  const start = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const config = await saver.put(start, checkpoint, { source: "loop", step: 1, parents: {} }, versions);
  expect(statements).toHaveLength(1);
  await saver.putWrites(
    config,
    [
      ["messages", [new AIMessage(words(50))]],
      ["branch:to:next", null],
    ],
    "task",
  );
  expect(statements).toHaveLength(2);
  await new HoldfastSaver({ pool: database.pool }).getTuple(start);
  expect(statements).toHaveLength(3);
});

test("a follow-up run reads nothing it has read before, and its own state not at all", async () => {
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 0)", [threadId]);
  const cache = new CheckpointCache();
  const openSaver = (): HoldfastSaver =>
    new HoldfastSaver({ pool: database.pool, cache, fence: { threadId, epoch: "0", runId: mintId() } });
  const config = { configurable: { thread_id: threadId } };
  for (let turn = 0; turn < 20; turn++)
    await chat(openSaver()).invoke({ messages: [new HumanMessage(words(25))] }, config);
  const graph = chat(openSaver());
  statements = [];
  const results: number[] = [];
  const { query } = database.pool;
  vi.spyOn(database.pool, "query").mockImplementation(async function (this: pg.Pool, ...args: unknown[]) {
    const result = (await (query as (...all: unknown[]) => Promise<pg.QueryResult>).apply(
      this,
      args,
    )) as pg.QueryResult;
    results.push(result.rows.length);
    return result;
  } as never);
  await graph.invoke({ messages: [new HumanMessage(words(25))] }, config);
  const state = await graph.getState(config);
  vi.mocked(database.pool.query).mockRestore();
  expect(state.values.messages).toHaveLength(42);
  expect(statements.filter((name) => name.startsWith("holdfast_read"))).toEqual(["holdfast_read_head"]);
  // The head, and where its list ends.
  expect(results[0]).toBe(2);
});

test("state sent along with tool calls is not stored again", async () => {
  const saver = new HoldfastSaver({ pool: database.pool });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("agent", () => ({ messages: [new AIMessage(words(100))] }))
    .addNode("tools", () => ({ messages: [new AIMessage(words(100))] }))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", (state) => [1, 2, 3].map((call) => new Send("tools", { ...state, call })))
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: threadId } };
  for (let turn = 0; turn < 10; turn++) await graph.invoke({ messages: [new HumanMessage(words(100))] }, config);
  // 5 messages a turn; each stored once.
  expect(await countItems()).toBe(50);
  const { rows } = await database.pool.query<{ longest: number }>(
    "select max(length(body)) as longest from (select body from checkpoint union all select body from checkpoint_write) b where $1 <> ''",
    [threadId],
  );
  expect(rows[0]?.longest).toBeLessThan(6_000);
});

test("a subgraph's copy of the parent's messages shares their items", async () => {
  const saver = new HoldfastSaver({ pool: database.pool });
  const inner = new StateGraph(MessagesAnnotation)
    .addNode("inner", () => ({ messages: [new AIMessage(words(100))] }))
    .addEdge(START, "inner")
    .compile({ checkpointer: true });
  const graph = new StateGraph(MessagesAnnotation)
    .addNode("sub", inner)
    .addEdge(START, "sub")
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: threadId } };
  for (let turn = 0; turn < 5; turn++) await graph.invoke({ messages: [new HumanMessage(words(100))] }, config);
  expect(await countItems()).toBe(10);
});

test("two writers that append to the same list both keep what they put", async () => {
  const start = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const put = (saver: HoldfastSaver, config: object, messages: BaseMessage[], version: number) =>
    saver.put(
      config,
      { ...emptyCheckpoint(), id: uuid6(0), channel_values: { messages }, channel_versions: { messages: version } },
      { source: "loop", step: version, parents: {} },
      { messages: version },
    );
  const first = new HoldfastSaver({ pool: database.pool });
  const root = await put(
    first,
    start,
    Array.from({ length: 5 }, () => new HumanMessage(words(100))),
    1,
  );
  const second = new HoldfastSaver({ pool: database.pool });
  const ours = (await first.getTuple(root))?.checkpoint.channel_values.messages as BaseMessage[];
  const theirs = (await second.getTuple(root))?.checkpoint.channel_values.messages as BaseMessage[];
  const [a, b] = [new AIMessage(words(100)), new AIMessage(words(100))];
  // The write and the put of the slower one refer to the same new item: both must move.
  const [left, , right] = await Promise.all([
    put(first, root, [...ours, a], 2),
    second.putWrites(root, [["messages", [b]]], "task"),
    put(second, root, [...theirs, b], 2),
  ]);
  const fresh = new HoldfastSaver({ pool: database.pool });
  const contents = async (config: object): Promise<unknown> =>
    ((await fresh.getTuple(config))?.checkpoint.channel_values.messages as BaseMessage[] | undefined)?.map(
      ({ content }) => content,
    );
  expect(await contents(left)).toEqual([...ours, a].map(({ content }) => content));
  expect(await contents(right)).toEqual([...theirs, b].map(({ content }) => content));
  const [write] = (await fresh.getTuple(root))?.pendingWrites ?? [];
  expect((write?.[2] as BaseMessage[] | undefined)?.[0]?.content).toBe(b.content);
  expect(await countItems()).toBe(7);
});

test("what a caller does to values it got does not show in later reads", async () => {
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 0)", [threadId]);
  const cache = new CheckpointCache();
  const fence = { threadId, epoch: "0", runId: "" };
  const saver = new HoldfastSaver({ pool: database.pool, cache, fence });
  const channel_values = {
    messages: [
      new HumanMessage({ id: "1", content: [{ type: "text", text: words(200) }], response_metadata: { a: { b: 1 } } }),
    ],
    small: { list: [1] },
    large: { text: words(300), nested: { n: 1 } },
  };
  const versions = { messages: 1, small: 1, large: 1 };
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values, channel_versions: versions };
  const start = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  await saver.put(start, checkpoint, { source: "loop", step: 1, parents: {} }, versions);
  const wanted = JSON.stringify(channel_values);
  for (const reader of [saver, saver, new HoldfastSaver({ pool: database.pool, cache }), saver]) {
    const values = (await reader.getTuple(start))?.checkpoint.channel_values as typeof channel_values;
    expect(JSON.stringify(values)).toBe(wanted);
    (values.messages[0]?.content as { text: string }[])[0] = { text: "poison" };
    (values.messages[0]?.response_metadata.a as { b: number }).b = 2;
    values.messages.pop();
    values.small.list.push(2);
    values.large.nested.n = 2;
  }
});

test("a run's memory holds through many subgraphs and other readers", async () => {
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 0)", [threadId]);
  const cache = new CheckpointCache();
  const fence = { threadId, epoch: "0", runId: "" };
  const saver = new HoldfastSaver({ pool: database.pool, cache, fence });
  const put = (checkpoint_ns: string): Promise<object> => {
    const messages = [
      new HumanMessage({ id: mintId(), content: words(300) }),
      new AIMessage({ id: mintId(), content: words(300) }),
    ];
    const channel_values = { messages, large: { text: words(300) } };
    const versions = { messages: 1, large: 1 };
    const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values, channel_versions: versions };
    const config = { configurable: { thread_id: threadId, checkpoint_ns } };
    return saver.put(config, checkpoint, { source: "loop", step: 1, parents: {} }, versions);
  };
  const namespaces = ["", ...Array.from({ length: 8 }, (_, n) => `sub:${n}`)];
  for (const checkpoint_ns of namespaces) {
    const config = await put(checkpoint_ns);
    await saver.putWrites(config, [["messages", [new AIMessage({ id: mintId(), content: words(300) })]]], "task");
    // A reader of the same process, and a subgraph that asks for a checkpoint it does not have.
    await new HoldfastSaver({ pool: database.pool, cache }).getTuple({ configurable: { thread_id: threadId } });
    await saver.getTuple({ configurable: { thread_id: threadId, checkpoint_ns: `${checkpoint_ns}|none` } });
  }
  for (const checkpoint_ns of namespaces) {
    const config = { configurable: { thread_id: threadId, checkpoint_ns } };
    const fresh = await new HoldfastSaver({ pool: database.pool }).getTuple(config);
    const known = await saver.getTuple(config);
    expect(JSON.parse(JSON.stringify(known))).toEqual(JSON.parse(JSON.stringify(fresh)));
  }
});
