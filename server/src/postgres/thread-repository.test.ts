// Proves what the thread repository promises on a real PostgreSQL: creation, search, values, removal, copies, and races.
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ConflictError, InvalidRequestError, NotFoundError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { JsonObject } from "../domain/json.ts";
import type { OmittedValuesRequest } from "./checkpoint-tables.ts";
import { recordingCheckpointTables } from "./testing/recording-checkpoint-tables.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";
import { PostgresThreadRepository } from "./thread-repository.ts";

let database: TestDatabase;
let threads: PostgresThreadRepository;
const checkpoints = recordingCheckpointTables();
/** Long lists by thread, as the checkpoints would hold them. */
const lists = new Map<string, JsonObject>();
const readOmittedValues = vi.fn(
  async (requests: OmittedValuesRequest[]) =>
    new Map(
      requests.map(({ threadId, channels }) => {
        const held = lists.get(threadId) ?? {};
        return [threadId, Object.fromEntries(channels.map((channel) => [channel, held[channel]]))];
      }),
    ),
);

beforeAll(async () => {
  database = await openTestDatabase();
  // Counted from 0 here, so that the tests can read how often an epoch was raised.
  await database.pool.query("alter table thread alter column epoch set default 0");
  threads = new PostgresThreadRepository(database.pool, { checkpoints, readOmittedValues });
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query("truncate thread, run, run_event, webhook_delivery cascade");
  readOmittedValues.mockClear();
});

const ownedBy = (owner: string) => ({ equals: { key: "owner", value: owner } });
const everything = { limit: 100, offset: 0, withValues: true } as const;

async function createThread(metadata: JsonObject = {}): Promise<string> {
  const { threadId } = await threads.createThread({ threadId: mintId(), metadata }, "raise");
  return threadId;
}

async function setValues(threadId: string, values: JsonObject, omitted: JsonObject = {}): Promise<void> {
  lists.set(threadId, omitted);
  await database.pool.query(
    `update thread set "values" = $2, omitted_channels = $3, head_checkpoint_id = 'head' where thread_id = $1`,
    [threadId, values, Object.keys(omitted)],
  );
}

async function addRun(threadId: string, status = "success"): Promise<string> {
  const runId = mintId();
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy)
     values ($1, $2, $3, $4, '{}', 'enqueue')`,
    [runId, threadId, mintId(), status],
  );
  await database.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'metadata', '{}')", [
    runId,
  ]);
  return runId;
}

async function countRows(table: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(`select count(*) from ${table}`);
  return Number(rows[0]!.count);
}

test("a new thread is idle, has no values and shows its time to live", async () => {
  const threadId = mintId();
  const ttl = { strategy: "keep_latest", ttlMinutes: 1.5 } as const;
  const created = await threads.createThread({ threadId, metadata: { a: 1 }, config: { tags: ["t"] }, ttl }, "raise");
  expect(created).toMatchObject({
    threadId,
    status: "idle",
    metadata: { a: 1 },
    config: { tags: ["t"] },
    values: null,
  });
  expect(created).toMatchObject({ interrupts: {}, error: null, stateUpdatedAt: null, ttl });
  expect(created.ttl!.expiresAt.getTime() - created.createdAt.getTime()).toBe(90_000);
  expect(await threads.findThread(threadId)).toEqual(created);
  expect((await threads.findThread(await createThread()))!.ttl).toBeNull();
});

test("an id in use: raise refuses, do_nothing returns what is there, unless the caller may not see it", async () => {
  const threadId = await createThread({ owner: "a" });
  const again = { threadId, metadata: { owner: "b" } };
  await expect(threads.createThread(again, "raise")).rejects.toThrow(new ConflictError("Thread already exists"));
  expect((await threads.createThread(again, "do_nothing")).metadata).toEqual({ owner: "a" });
  await expect(threads.createThread(again, "do_nothing", ownedBy("b"))).rejects.toThrow(ConflictError);
});

test("twenty callers create the same thread with do_nothing: one is made, all get it", async () => {
  const threadId = mintId();
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) => threads.createThread({ threadId, metadata: { n } }, "do_nothing")),
  );
  expect(new Set(made.map((thread) => thread.metadata.n)).size).toBe(1);
});

test("updates merge metadata at the top level and move the expiry", async () => {
  const threadId = await createThread({ a: { x: 1 }, b: null });
  const merged = await threads.updateThread(threadId, { metadata: { a: { y: 2 } } });
  expect(merged.metadata).toEqual({ a: { y: 2 }, b: null });
  expect(merged.ttl).toBeNull();
  const kept = await threads.updateThread(threadId, { ttl: { strategy: "delete", ttlMinutes: 60 } });
  expect(kept.ttl!.expiresAt.getTime() - kept.updatedAt.getTime()).toBe(3_600_000);
  const later = await threads.updateThread(threadId, {});
  expect(later.ttl!.expiresAt.getTime()).toBeGreaterThan(kept.ttl!.expiresAt.getTime());
  await expect(threads.updateThread(mintId(), {})).rejects.toThrow(/^Thread with ID .* not found$/);
  await expect(threads.updateThread(threadId, { ttl: { strategy: "delete", ttlMinutes: 1e300 } })).rejects.toThrow(
    InvalidRequestError,
  );
});

test("concurrent metadata changes are all kept", async () => {
  const threadId = await createThread();
  await Promise.all(
    Array.from({ length: 25 }, (_, n) => threads.updateThread(threadId, { metadata: { [`k${n}`]: n } })),
  );
  expect(Object.keys((await threads.findThread(threadId))!.metadata)).toHaveLength(25);
});

test("searches by metadata, ids and status, and counts the same", async () => {
  const long = "x".repeat(300);
  const a = await createThread({ graph_id: "agent", assistant_id: "one", n: 1, tags: ["x", "y"] });
  const b = await createThread({ graph_id: "rag", n: "1", nested: { k: [1, { z: null }] } });
  const c = await createThread({ graph_id: long, assistant_id: 5 });
  const hidden = JSON.parse('{"__proto__": "p"}') as JsonObject;
  const d = await createThread(hidden);
  await database.pool.query("update thread set status = 'error' where thread_id = $1", [b]);
  const found = async (query: Parameters<typeof threads.countThreads>[0]) => {
    const page = await threads.searchThreads({ ...query, ...everything });
    expect(await threads.countThreads(query)).toBe(page.total);
    expect(page.items).toHaveLength(page.total);
    return page.items.map((thread) => thread.threadId);
  };
  expect(await found({})).toEqual([d, c, b, a]);
  expect(await found({ metadata: { graph_id: "agent" } })).toEqual([a]);
  expect(await found({ metadata: { graph_id: "agent", assistant_id: "two" } })).toEqual([]);
  expect(await found({ metadata: { graph_id: long } })).toEqual([c]);
  expect(await found({ metadata: { assistant_id: 5 } })).toEqual([c]);
  expect(await found({ metadata: { assistant_id: "5" } })).toEqual([]);
  expect(await found({ metadata: { tags: ["y"], graph_id: "agent" } })).toEqual([a]);
  expect(await found({ metadata: { nested: { k: [{ z: null }] } } })).toEqual([b]);
  expect(await found({ metadata: { n: 1 } })).toEqual([a]);
  expect(await found({ metadata: hidden })).toEqual([d]);
  expect(await found({ status: "error" })).toEqual([b]);
  expect(await found({ status: "error", metadata: { n: 1 } })).toEqual([]);
  expect(await found({ ids: [a, d, mintId()] })).toEqual([d, a]);
  expect(await found({ ids: [] })).toEqual([]);
});

test("every order is total and its reverse is its mirror; pages cut it without gap or repeat", async () => {
  for (let n = 0; n < 12; n++) {
    await database.pool.query(
      `insert into thread (thread_id, status, created_at, updated_at, state_updated_at)
       values ($1, $2, '2026-01-01'::timestamptz + $3 * interval '1 s', '2026-01-02', $4)`,
      [mintId(), n % 3 ? "idle" : "busy", n % 4, n % 2 ? null : "2026-01-03"],
    );
  }
  for (const sortBy of ["threadId", "status", "createdAt", "updatedAt", "stateUpdatedAt"] as const) {
    const order = async (sortOrder: "asc" | "desc", query: object = {}) =>
      (await threads.searchThreads({ ...query, ...everything, sortBy, sortOrder })).items.map(
        (thread) => thread.threadId,
      );
    const descending = await order("desc");
    expect(await order("asc")).toEqual(descending.toReversed());
    // The other way to find the same page.
    expect(await order("desc", { ids: descending })).toEqual(descending);
    const paged: string[] = [];
    for (let offset = 0; offset < 12; offset += 5) {
      const page = await threads.searchThreads({ sortBy, sortOrder: "desc", limit: 5, offset, withValues: false });
      expect(page.total).toBe(12);
      paged.push(...page.items.map((thread) => thread.threadId));
    }
    expect(paged).toEqual(descending);
  }
  expect(await threads.searchThreads({ limit: 5, offset: 99, withValues: true })).toEqual({ items: [], total: 12 });
  expect(await threads.searchThreads({ ids: [], limit: 5, offset: 0, withValues: true })).toEqual({
    items: [],
    total: 0,
  });
});

test("values come whole: channels the row omits are read once per page", async () => {
  const whole = await createThread();
  await setValues(whole, { topic: "a", messages: [{ id: "1" }] });
  const partial = await Promise.all([createThread(), createThread(), createThread()]);
  for (const id of partial) await setValues(id, { topic: "b" }, { messages: [{ id }] });
  const page = await threads.searchThreads({ ...everything });
  expect(readOmittedValues).toHaveBeenCalledTimes(1);
  const byId = new Map(page.items.map((thread) => [thread.threadId, thread.values]));
  expect(byId.get(whole)).toEqual({ topic: "a", messages: [{ id: "1" }] });
  for (const id of partial) expect(byId.get(id)).toEqual({ topic: "b", messages: [{ id }] });
  expect((await threads.findThread(partial[0]!))!.values).toEqual({ topic: "b", messages: [{ id: partial[0] }] });

  readOmittedValues.mockClear();
  const bare = await threads.searchThreads({ ...everything, withValues: false });
  expect(bare.items.map((thread) => thread.values)).toEqual([null, null, null, null]);
  expect(readOmittedValues).not.toHaveBeenCalled();
});

test("the values filter sees kept and omitted channels alike", async () => {
  const a = await createThread({ owner: "a" });
  await setValues(a, { topic: "t", messages: [{ id: "1", content: "hi" }] });
  const b = await createThread({ owner: "b" });
  await setValues(b, { topic: "t" }, { messages: [{ id: "1" }, { id: "2" }] });
  const c = await createThread({ owner: "b" });
  await setValues(c, { topic: "u" }, { messages: [{ id: "2" }], files: ["f"] });
  await createThread();
  const found = async (values: JsonObject, access?: Parameters<typeof threads.countThreads>[1]) => {
    const page = await threads.searchThreads({ values, ...everything }, access);
    expect(await threads.countThreads({ values }, access)).toBe(page.total);
    return page.items.map((thread) => thread.threadId);
  };
  expect(await found({ topic: "t" })).toEqual([b, a]);
  expect(await found({ messages: [{ id: "1" }] })).toEqual([b, a]);
  expect(await found({ messages: [{ id: "2" }] })).toEqual([c, b]);
  expect(await found({ messages: [{ id: "2" }], topic: "t" })).toEqual([b]);
  expect(await found({ messages: [], files: ["f"] })).toEqual([c]);
  expect(await found({ messages: [{ id: "1" }] }, ownedBy("a"))).toEqual([a]);
  expect(await found({ messages: [{ id: "3" }] })).toEqual([]);
});

test("a values filter that would have to read more than 1,000 long lists is refused rather than answered wrongly", async () => {
  await database.pool.query(
    `insert into thread (thread_id, metadata, "values", omitted_channels, head_checkpoint_id)
     select gen_random_uuid(), jsonb_build_object('n', n), '{}', '{messages}', 'head' from generate_series(1, 1001) n`,
  );
  const values = { messages: [{ id: "1" }] };
  await expect(threads.countThreads({ values })).rejects.toThrow(InvalidRequestError);
  expect(await threads.countThreads({ values, metadata: { n: 1 } })).toBe(0);
});

test("no verb reaches across a rule", async () => {
  const id = await createThread({ owner: "a" });
  const other = ownedBy("b");
  expect(await threads.findThread(id, other)).toBeUndefined();
  expect(await threads.searchThreads({ ...everything }, other)).toEqual({ items: [], total: 0 });
  expect(await threads.countThreads({}, other)).toBe(0);
  await expect(threads.updateThread(id, {}, other)).rejects.toThrow(NotFoundError);
  await expect(threads.deleteThread(id, other)).rejects.toThrow(NotFoundError);
  await expect(threads.copyThread(id, mintId(), other)).rejects.toThrow(new ConflictError("Thread not found"));
  expect(await threads.pruneThreads([id], "delete", other)).toBe(0);
  expect(await threads.pruneThreads([id], "keep_latest", other)).toBe(0);
  expect((await threads.searchThreads({ ...everything }, ownedBy("a"))).total).toBe(1);
});

test("a temporary thread that has ended is gone for every verb", async () => {
  const id = await createThread();
  await database.pool.query("update thread set is_temporary = true where thread_id = $1", [id]);
  expect(await threads.countThreads({})).toBe(1);
  await database.pool.query("update thread set ended_at = now() where thread_id = $1", [id]);
  expect(await threads.findThread(id)).toBeUndefined();
  expect(await threads.searchThreads({ ...everything })).toEqual({ items: [], total: 0 });
  expect(await threads.searchThreads({ ...everything, ids: [id] })).toEqual({ items: [], total: 0 });
  await expect(threads.updateThread(id, {})).rejects.toThrow(NotFoundError);
  await expect(threads.deleteThread(id)).rejects.toThrow(NotFoundError);
  await expect(threads.copyThread(id, mintId())).rejects.toThrow(ConflictError);
  expect(await threads.pruneThreads([id], "delete")).toBe(0);
  await expect(threads.createThread({ threadId: id, metadata: {} }, "do_nothing")).rejects.toThrow(ConflictError);
});

test("deleting takes runs, events, checkpoints and delivered notices; a notice still owed stays", async () => {
  const [id, kept] = [await createThread(), await createThread()];
  const runIds = [await addRun(id), await addRun(id, "running")];
  await addRun(kept);
  for (const [n, status] of ["pending", "delivered"].entries()) {
    await database.pool.query(
      `insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload, status)
       values ($1, $2, $3, 'http://example.test', '{}', $4)`,
      [mintId(), runIds[n], id, status],
    );
  }
  await threads.deleteThread(id);
  expect(await threads.findThread(id)).toBeUndefined();
  expect([await countRows("run"), await countRows("run_event"), await countRows("thread")]).toEqual([1, 1, 1]);
  expect((await database.pool.query("select status from webhook_delivery")).rows).toEqual([{ status: "pending" }]);
  expect(checkpoints.deletedThreads).toContain(id);
  await expect(threads.deleteThread(id)).rejects.toThrow(NotFoundError);
});

test("a write in flight is waited for and deleted with its thread; a later one is refused", async () => {
  const id = await createThread();
  const runId = await addRun(id, "running");
  const write = `with fence as (select thread_id from thread where thread_id = $1 and epoch = 0 for no key update)
    insert into run_event (run_id, seq, event, data) select $2, $3::int, 'values', '{}' from fence`;
  const worker = await database.pool.connect();
  try {
    await worker.query("begin");
    expect((await worker.query(write, [id, runId, 1])).rowCount).toBe(1);
    let isDeleted = false;
    const deletion = threads.deleteThread(id).then(() => {
      isDeleted = true;
    });
    await vi.waitFor(async () => {
      const waiting = await database.pool.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'");
      expect(waiting.rowCount).toBeGreaterThan(0);
    });
    expect(isDeleted).toBe(false);
    await worker.query("commit");
    await deletion;
    expect((await worker.query(write, [id, runId, 2])).rowCount).toBe(0);
  } finally {
    worker.release();
  }
  expect(await countRows("run_event")).toBe(0);
});

test("two callers delete overlapping sets in opposite order and both come through", async () => {
  const ids = await Promise.all(Array.from({ length: 40 }, () => createThread()));
  const removed = await Promise.all([
    threads.pruneThreads(ids, "delete"),
    threads.pruneThreads(ids.toReversed(), "delete"),
    threads.pruneThreads(ids.slice(10), "keep_latest"),
  ]);
  expect(removed[0] + removed[1]).toBe(40);
  expect(await countRows("thread")).toBe(0);
});

test("pruning to the latest keeps the thread, fences whoever edits its state, and leaves busy threads alone", async () => {
  const [idle, busy] = [await createThread(), await createThread()];
  await database.pool.query("update thread set active_count = 1, status = 'busy' where thread_id = $1", [busy]);
  expect(await threads.pruneThreads([idle, busy, mintId()], "keep_latest")).toBe(1);
  expect(checkpoints.prunedThreads).toContain(idle);
  expect(checkpoints.prunedThreads).not.toContain(busy);
  const { rows } = await database.pool.query("select epoch from thread where thread_id = $1", [idle]);
  expect(rows).toEqual([{ epoch: "1" }]);
  expect(await countRows("thread")).toBe(2);
});

test("a copy has the source's metadata with its own id, its values and interrupts, and neither runs nor config", async () => {
  const source = await createThread({ owner: "a", graph_id: "agent" });
  await setValues(source, { topic: "t" }, { messages: [{ id: "1" }] });
  await database.pool.query(
    `update thread set status = 'busy', active_count = 1, config = '{"tags": ["t"]}', error = '{"error": "E"}' where thread_id = $1`,
    [source],
  );
  await addRun(source, "running");
  const id = mintId();
  lists.set(id, { messages: [{ id: "1" }, { id: "2" }] });
  // The run has come further than what the source's row shows.
  checkpoints.heads.set(id, {
    checkpointId: "c2",
    valuesJson: '{"topic": "t2"}',
    omittedChannels: ["messages"],
    interrupts: {},
  });
  const copy = await threads.copyThread(source, id);
  expect(copy).toMatchObject({ threadId: id, status: "idle", config: {}, error: null });
  expect(copy.metadata).toEqual({ owner: "a", graph_id: "agent", thread_id: id });
  expect(copy.values).toEqual({ topic: "t2", messages: [{ id: "1" }, { id: "2" }] });
  expect(checkpoints.copies).toContainEqual([source, id]);
  expect(await countRows("run")).toBe(1);
  await expect(threads.copyThread(source, id)).rejects.toThrow(new ConflictError("Thread already exists"));
  await expect(threads.copyThread(mintId(), mintId())).rejects.toThrow(new ConflictError("Thread not found"));

  await database.pool.query(
    `update thread set active_count = 0, interrupts = '{"task": [{"id": "i"}]}' where thread_id = $1`,
    [source],
  );
  expect(await threads.copyThread(source, mintId())).toMatchObject({
    status: "interrupted",
    interrupts: { task: [{ id: "i" }] },
  });
});

test("null, unicode and large documents come back as they were; what cannot be stored is refused", async () => {
  const metadata = {
    nothing: null,
    text: "Ω 🦕 \u2028 '\"\\ $1",
    big: "x".repeat(2_000_000),
    graph_id: "g".repeat(100_000),
  };
  const threadId = await createThread(metadata);
  expect((await threads.findThread(threadId))!.metadata).toEqual(metadata);
  expect(await threads.countThreads({ metadata: { graph_id: metadata.graph_id, nothing: null } })).toBe(1);
  await expect(createThread({ a: "\u0000" })).rejects.toThrow(InvalidRequestError);
  await expect(createThread({ a: "\udc00" })).rejects.toThrow(InvalidRequestError);
  await expect(threads.updateThread(threadId, { metadata: { "\u0000": 1 } })).rejects.toThrow(InvalidRequestError);
  await expect(threads.countThreads({ metadata: { a: ["\u0000"] } })).rejects.toThrow(InvalidRequestError);
  await expect(threads.countThreads({ metadata: { graph_id: "\u0000" } })).rejects.toThrow(InvalidRequestError);
  await expect(threads.countThreads({ values: { "\u0000": 1 } })).rejects.toThrow(InvalidRequestError);
});
