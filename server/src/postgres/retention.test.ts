// What ages out goes, all of it, and nothing else: threads with everything that hangs on them, keys, days of events.
import { Annotation, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { NewRun } from "../domain/run.ts";
import { firstRunIdAt } from "./partitions.ts";
import { createPersistence, type Persistence } from "./persistence.ts";
import { newRun } from "./testing/new-run.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

const DAY_MS = 86_400_000;

let database: TestDatabase;
let kept: Persistence;
beforeAll(async () => {
  database = await openTestDatabase();
  kept = createPersistence(database.pool, (value) => JSON.parse(JSON.stringify(value ?? null)), {
    idempotencyRetentionMs: 60_000,
    eventRetentionMs: 7 * DAY_MS,
  });
});
afterAll(() => database.close());
beforeEach(() =>
  database.pool.query(
    "truncate thread, run, run_event, webhook_delivery, checkpoint, checkpoint_item, checkpoint_write, idempotency_key cascade",
  ),
);

/** Long enough for a list of messages to be stored item by item. */
const PADDING = ` ${"x".repeat(3_000)}`;

const State = Annotation.Root({ ...MessagesAnnotation.spec });

/** A thread with two turns of a real graph, and rows in every table that a run writes. */
async function createFullThread(change: string): Promise<string> {
  const { threadId } = await kept.threads.createThread({ threadId: mintId(), metadata: {} }, "raise");
  for (const content of ["one", "two"]) await runOn(threadId, content);
  await database.pool.query(`update thread set ${change} where thread_id = $1`, [threadId]);
  return threadId;
}

async function runOn(threadId: string, content: string): Promise<void> {
  const runId = mintId();
  const { rows } = await database.pool.query(
    "update thread set epoch = epoch + 1 where thread_id = $1 returning epoch",
    [threadId],
  );
  const checkpointer = kept.openCheckpointer({ threadId, runId, epoch: rows[0].epoch });
  const graph = new StateGraph(State)
    .addNode("answer", () => ({ messages: [{ role: "assistant", content: `re_${content}${PADDING}` }] }))
    .addEdge(START, "answer")
    .compile({ checkpointer });
  await graph.invoke(
    { messages: [{ role: "user", content: content + PADDING }] },
    { configurable: { thread_id: threadId, run_id: runId }, metadata: { run_id: runId } },
  );
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, started_at)
     values ($1, $2, $2, 'success', '{}', 'enqueue', now())`,
    [runId, threadId],
  );
  await database.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'metadata', '{}')", [
    runId,
  ]);
  await database.pool.query(
    `insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload, status)
     values ($1, $2, $3, 'http://x', '{}', 'delivered')`,
    [mintId(), runId, threadId],
  );
  await database.pool.query(
    `insert into tool_effect (effect_id, thread_id, key_digest, run_id, tool_name, args, is_idempotent, status, token)
     values ($1, $3, uuid_send($2), $2, 'pay', '{}', true, 'finished', $1)`,
    [mintId(), runId, threadId],
  );
}

/** Every table that has a column for a thread or a run, now and in later versions. */
async function listTables(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select distinct c.table_name as name from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.column_name in ('thread_id', 'run_id') and t.table_type = 'BASE TABLE'
       and c.table_name !~ '^run_event_' order by 1`,
  );
  return rows.map(({ name }) => name);
}

async function countRows(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of await listTables()) {
    const { rows } = await database.pool.query(`select count(*)::int as count from ${name}`);
    if (rows[0].count > 0) counts[name] = rows[0].count;
  }
  return counts;
}

async function threadIds(): Promise<string[]> {
  const { rows } = await database.pool.query("select thread_id from thread order by thread_id");
  return rows.map((row) => row.thread_id);
}

async function admitTemporary(): Promise<NewRun> {
  const run = newRun({ kwargs: { isTemporary: true, isCheckpointed: false } });
  await kept.queue.admitRun(run, { leaseDurationMs: 60_000 });
  return run;
}

const BATCH = { countMax: 100, isMeasured: true };
const LONG_AGO = "now() - interval '61 seconds'";

describe("threads of stateless runs", () => {
  test("go a minute after their end, with everything", async () => {
    await createFullThread(`is_temporary = true, ended_at = ${LONG_AGO}`);
    const before = await countRows();
    expect(Object.keys(before)).toEqual([
      "checkpoint",
      "checkpoint_item",
      "checkpoint_write",
      "run",
      "run_event",
      "thread",
      "tool_effect",
      "webhook_delivery",
    ]);
    const batch = await kept.retention.removeEndedThreads(BATCH);
    expect(batch.threadCount).toBe(1);
    expect(await countRows()).toEqual({});
    expect(batch.freed.rows).toMatchObject(before);
    expect(batch.freed.bytes).toBeGreaterThan(500);
  });

  test.each([
    ["that ended just now", "is_temporary = true, ended_at = now() - interval '50 seconds'"],
    ["that have not ended", "is_temporary = true, active_count = 1"],
    [
      "that a repeated request may ask for",
      `is_temporary = true, ended_at = ${LONG_AGO}, expires_at = now() + interval '1 hour'`,
    ],
    [
      "that were given up and may be retried",
      `is_temporary = true, ended_at = ${LONG_AGO}, error = '{"error": "AttemptsExhaustedError"}'`,
    ],
    ["that are not of that kind", `ended_at = ${LONG_AGO}`],
  ])("%s stay", async (_, change) => {
    const threadId = await createFullThread(change);
    expect((await kept.retention.removeEndedThreads(BATCH)).threadCount).toBe(0);
    expect(await threadIds()).toEqual([threadId]);
  });
});

test("the thread of a stateless run that was rolled back goes too", async () => {
  const run = await admitTemporary();
  const [claimed] = await kept.queue.claimRuns({ workerId: "w", countMax: 1, leaseDurationMs: 60_000 });
  expect(claimed!.run.runId).toBe(run.runId);
  await kept.queue.endRolledBackRun(claimed!.fence);
  await database.pool.query("update thread set ended_at = ended_at - interval '61 seconds'");
  expect((await kept.retention.removeEndedThreads(BATCH)).threadCount).toBe(1);
  expect(await countRows()).toEqual({});
});

describe("threads whose time is over", () => {
  const EXPIRED = "ttl_minutes = 5, expires_at = now() - interval '1 second'";

  test("go with everything, others stay", async () => {
    await createFullThread(`${EXPIRED}, ttl_strategy = 'delete'`);
    const busy = await createFullThread(`${EXPIRED}, ttl_strategy = 'delete', active_count = 1`);
    const later = await createFullThread(
      "ttl_minutes = 5, ttl_strategy = 'delete', expires_at = now() + interval '1 minute'",
    );
    const forever = await createFullThread("updated_at = updated_at");
    expect((await kept.retention.removeExpiredThreads(BATCH)).threadCount).toBe(1);
    expect(await threadIds()).toEqual([busy, later, forever].toSorted());
  });

  test("keep their latest state where they say so, once until they change again", async () => {
    const threadId = await createFullThread(`${EXPIRED}, ttl_strategy = 'keep_latest'`);
    const before = await countRows();
    const batch = await kept.retention.removeExpiredThreads(BATCH);
    expect(batch.threadCount).toBe(1);
    const after = await countRows();
    expect(after.checkpoint).toBe(1);
    expect(after.checkpoint).toBeLessThan(before.checkpoint!);
    expect(batch.freed.rows.checkpoint).toBe(before.checkpoint! - 1);
    const head = await kept.openCheckpointer(undefined).getTuple({ configurable: { thread_id: threadId } });
    const messages = head!.checkpoint.channel_values.messages as { content: string }[];
    expect(messages.map(({ content }) => content.split(" ")[0])).toEqual(["one", "re_one", "two", "re_two"]);
    expect((await kept.retention.removeExpiredThreads(BATCH)).threadCount).toBe(0);
    const thread = await kept.threads.updateThread(threadId, { metadata: { a: 1 } });
    expect(thread.ttl?.expiresAt.getTime()).toBeGreaterThan(Date.now());
  });

  test("are taken by many processes at once, each by one of them, a bounded number at a time", async () => {
    await database.pool.query(
      `insert into thread (thread_id, ttl_minutes, ttl_strategy, expires_at)
       select gen_random_uuid(), 1, 'delete', now() - interval '1 second' from generate_series(1, 500)`,
    );
    const take = async () =>
      (await kept.retention.removeExpiredThreads({ countMax: 50, isMeasured: false })).threadCount;
    const counts = await Promise.all(Array.from({ length: 8 }, take));
    expect(Math.max(...counts)).toBeLessThanOrEqual(50);
    let total = counts.reduce((sum, count) => sum + count, 0);
    for (let count = await take(); count > 0; count = await take()) total += count;
    expect(total).toBe(500);
    expect(await countRows()).toEqual({});
  });
});

test("idle threads are gone through in order, once each", async () => {
  const idle = [];
  for (let index = 0; index < 5; index++) idle.push(await createFullThread("updated_at = now() - interval '2 days'"));
  const active = await createFullThread("updated_at = now()");
  const seen: number[] = [];
  let afterThreadId: string | undefined;
  for (;;) {
    const batch = await kept.retention.removeIdleThreads({
      idleMs: DAY_MS,
      strategy: "keep_latest",
      countMax: 2,
      afterThreadId,
    });
    if (batch.threadCount === 0) break;
    seen.push(batch.threadCount);
    afterThreadId = batch.lastThreadId;
  }
  expect(seen).toEqual([2, 2, 1]);
  await kept.retention.removeIdleThreads({
    idleMs: DAY_MS,
    strategy: "delete",
    countMax: 10,
    afterThreadId: undefined,
  });
  expect(await threadIds()).toEqual([active]);
});

test("a copied thread and its source are whole, and each goes without the other", async () => {
  const source = await createFullThread("updated_at = updated_at");
  const { threadId: copy } = await kept.threads.copyThread(source, mintId());
  await kept.threads.deleteThread(source);
  expect(Object.keys(await countRows())).toEqual([
    "checkpoint",
    "checkpoint_item",
    "checkpoint_write",
    "thread",
    "thread_tag",
    "tool_effect",
  ]);
  const head = await kept.openCheckpointer(undefined).getTuple({ configurable: { thread_id: copy } });
  expect(head!.checkpoint.channel_values.messages).toHaveLength(4);
  await kept.threads.pruneThreads([copy], "keep_latest");
  expect((await countRows()).checkpoint).toBe(1);
  await kept.threads.deleteThread(copy);
  expect(await countRows()).toEqual({});
});

test("what a removal tells it freed is counted in every table that holds a thread's rows", async () => {
  const threadId = await createFullThread("expires_at = now() - interval '1 second', ttl_minutes = 1");
  const before = await countRows();
  const { freed } = await kept.retention.removeExpiredThreads(BATCH);
  // Keys have a time of their own, and what was spent stays known, whatever becomes of the thread; tags come and go with its row.
  const others = ["idempotency_key", "thread_tag", "usage_entry"];
  expect(Object.keys(freed.rows).sort()).toEqual((await listTables()).filter((name) => !others.includes(name)));
  expect(Object.fromEntries(Object.entries(freed.rows).filter(([, count]) => count > 0))).toEqual(before);
  expect(freed.bytes).toBeGreaterThan(1_000);
  expect(await threadIds()).not.toContain(threadId);
  expect(await countRows()).toEqual({});
});

test("idempotency keys go when their time is up", async () => {
  await database.pool.query(
    `insert into idempotency_key (key_digest, request_digest, seed, locked_until, expires_at)
     select decode(md5(n::text), 'hex'), '', gen_random_uuid(), now(), now() + (n - 5) * interval '1 minute' from generate_series(1, 10) n`,
  );
  expect(await kept.retention.removeExpiredKeys(3)).toBe(3);
  expect(await kept.retention.removeExpiredKeys(3)).toBe(2);
  expect(await kept.retention.removeExpiredKeys(3)).toBe(0);
});

test("days of events are made ahead and dropped with what they held", async () => {
  const old = Math.floor((Date.now() - 20 * DAY_MS) / DAY_MS) * DAY_MS;
  const name = `run_event_${new Date(old).toISOString().slice(0, 10).replaceAll("-", "")}`;
  await database.pool.query(
    `create table ${name} partition of run_event for values from ('${firstRunIdAt(old)}') to ('${firstRunIdAt(old + DAY_MS)}')`,
  );
  await database.pool.query(
    `insert into run_event (run_id, seq, event, data) select '${firstRunIdAt(old)}', n, 'values', '{}' from generate_series(1, 500) n`,
  );
  await database.pool.query(`analyze ${name}`);
  const { droppedCount, freed } = await kept.retention.maintainEventLog({ isMeasured: true });
  expect(droppedCount).toBe(1);
  expect(freed.rows.run_event).toBe(500);
  expect(freed.bytes).toBeGreaterThan(8_000);
  const { rows } = await database.pool.query(
    "select count(*)::int as count from pg_inherits where inhparent = 'run_event'::regclass",
  );
  expect(rows[0].count).toBeGreaterThanOrEqual(5);
  expect((await kept.retention.maintainEventLog({ isMeasured: true })).droppedCount).toBe(0);
});
