// A takeover cannot slip between the check of the fence and the write, whichever comes first; and the loser writes nothing.
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import type { PoolClient } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LeaseLostError } from "../../domain/errors.ts";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
let threadId: string;
let saver: HoldfastSaver;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  threadId = await addThread();
  saver = openSaver(threadId);
});

async function addThread(): Promise<string> {
  const id = mintId();
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 3)", [id]);
  return id;
}

function openSaver(id: string, epoch = "3"): HoldfastSaver {
  return new HoldfastSaver({ pool: database.pool, fence: { threadId: id, epoch, runId: "run" } });
}

const METADATA = { source: "loop" as const, step: 0, parents: {} };

function put(to: HoldfastSaver = saver, id: string = threadId): Promise<unknown> {
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values: { a: 1 }, channel_versions: { a: 1 } };
  return to.put({ configurable: { thread_id: id } }, checkpoint, METADATA, { a: 1 });
}

function putWrites(to: HoldfastSaver = saver): Promise<void> {
  const configurable = { thread_id: threadId, checkpoint_ns: "", checkpoint_id: "c" };
  return to.putWrites({ configurable }, [["a", "x".repeat(2_000)]], "task");
}

async function countRows(id: string = threadId): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select ((select count(*) from checkpoint where thread_id = $1) + (select count(*) from checkpoint_write where thread_id = $1)
      + (select count(*) from checkpoint_item where thread_id = $1))::int as count`,
    [id],
  );
  return rows[0]?.count ?? -1;
}

async function takeOver(client: PoolClient, id: string = threadId): Promise<void> {
  await client.query("begin");
  await client.query("update thread set epoch = epoch + 1 where thread_id = $1", [id]);
}

/** Waits until a statement of this database waits for a lock, so that the test knows the order of events. */
async function untilBlocked(): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const { rows } = await database.pool.query<{ blocked: number }>(
      `select count(*)::int as blocked from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.blocked ?? 0) > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("Nothing waited for a lock.");
}

for (const [name, write] of [
  ["put", put],
  ["putWrites", putWrites],
] as const) {
  test(`${name} under the current epoch is stored`, async () => {
    await write();
    expect(await countRows()).toBe(1);
  });

  test(`${name} under an older epoch is refused and stores nothing`, async () => {
    await expect(write(openSaver(threadId, "2"))).rejects.toThrow(LeaseLostError);
    expect(await countRows()).toBe(0);
  });

  test(`${name} waits for a takeover that is under way, and is refused when that commits`, async () => {
    const client = await database.pool.connect();
    await takeOver(client);
    const writing = write();
    const refused = expect(writing).rejects.toThrow(LeaseLostError);
    await untilBlocked();
    await client.query("commit");
    client.release();
    await refused;
    expect(await countRows()).toBe(0);
  });

  test(`${name} waits for a takeover that is under way, and is stored when that rolls back`, async () => {
    const client = await database.pool.connect();
    await takeOver(client);
    const writing = write();
    await untilBlocked();
    await client.query("rollback");
    client.release();
    await writing;
    expect(await countRows()).toBe(1);
  });
}

test("a takeover waits for a put that is under way, and then sees what it stored", async () => {
  // Another transaction holds the row that the put is about to insert: the put has checked its fence and waits.
  const holder = await database.pool.connect();
  await holder.query("begin");
  await holder.query(
    `insert into checkpoint_write (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, task_path, body)
     values ($1, '', 'c', 'task', 0, '', '[]')`,
    [threadId],
  );
  const writing = putWrites();
  await untilBlocked();
  const client = await database.pool.connect();
  let isTaken = false;
  const taking = takeOver(client).then(() => {
    isTaken = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isTaken).toBe(false);
  await holder.query("rollback");
  holder.release();
  await writing;
  await taking;
  expect(await countRows()).toBe(1);
  await client.query("commit");
  client.release();
  await expect(put()).rejects.toThrow(LeaseLostError);
  expect(await countRows()).toBe(1);
});

test("a locked thread does not hold up the writes of others", async () => {
  const client = await database.pool.connect();
  await takeOver(client);
  const ids = await Promise.all(Array.from({ length: 20 }, addThread));
  const blocked = put();
  const refused = expect(blocked).rejects.toThrow(LeaseLostError);
  await Promise.all(ids.map((id) => put(openSaver(id), id)));
  await client.query("commit");
  client.release();
  await refused;
  for (const id of ids) expect(await countRows(id)).toBe(1);
});

test("two holders of one thread's fence at once: only the current one writes", async () => {
  const results = await Promise.allSettled([
    put(openSaver(threadId, "2")),
    put(openSaver(threadId, "3")),
    put(openSaver(threadId, "4")),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
  expect(await countRows()).toBe(1);
});
