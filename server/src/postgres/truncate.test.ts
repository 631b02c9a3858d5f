// Proves that truncation empties what it was asked to and leaves the rest usable.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mintId, systemAssistantId } from "../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";
import { truncateDatabase } from "./truncate.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const TABLES = ["thread", "run", "run_event", "webhook_delivery", "checkpoint", "assistant", "store_item"] as const;
const impostor = mintId();

beforeEach(async () => {
  const threadId = mintId();
  const runId = mintId();
  await truncateDatabase(database.pool, { threads: true, assistants: true, store: true });
  await database.pool.query("delete from assistant");
  for (const [id, graphId] of [
    [systemAssistantId("agent"), "agent"],
    [impostor, "agent"],
  ]) {
    await database.pool.query(
      `insert into assistant (assistant_id, graph_id, name, metadata) values ($1, $2, 'n', '{"created_by": "system"}')`,
      [id, graphId],
    );
  }
  await database.pool.query(
    `insert into thread (thread_id, status, active_count, epoch, "values", interrupts) values ($1, 'busy', 1, 0, '{"a": 1}', '{"t": []}')`,
    [threadId],
  );
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy) values ($1, $2, $2, 'running', '{}', 'reject')`,
    [runId, threadId],
  );
  await database.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'x', '{}')", [runId]);
  await database.pool.query(
    "insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload) values ($1, $1, $2, 'u', '{}')",
    [runId, threadId],
  );
  await database.pool.query(
    "insert into checkpoint (thread_id, checkpoint_ns, checkpoint_id, body, metadata) values ($1, '', 'c', '{}', '{}')",
    [threadId],
  );
  await database.pool.query("insert into store_item (namespace, key, value) values ('{n}', 'k', '{}')");
});

async function filledTables(): Promise<string[]> {
  const filled: string[] = [];
  for (const table of TABLES) {
    if ((await database.pool.query(`select 1 from ${table}`)).rowCount) filled.push(table);
  }
  return filled;
}

async function threadRow(): Promise<Record<string, unknown>> {
  return (await database.pool.query("select * from thread")).rows[0];
}

test("nothing asked, nothing emptied", async () => {
  await truncateDatabase(database.pool, {});
  expect(await filledTables()).toEqual([...TABLES]);
});

test("runs go with their events and notices; their thread is free and their workers have lost it", async () => {
  await truncateDatabase(database.pool, { runs: true });
  expect(await filledTables()).toEqual(["thread", "checkpoint", "assistant", "store_item"]);
  expect(await threadRow()).toMatchObject({ status: "interrupted", active_count: 0, epoch: "1", values: { a: 1 } });
});

test("threads go with runs and checkpoints", async () => {
  await truncateDatabase(database.pool, { threads: true, runs: true, checkpointer: true });
  expect(await filledTables()).toEqual(["assistant", "store_item"]);
});

test("checkpoints go, and with them what threads showed of them", async () => {
  await truncateDatabase(database.pool, { checkpointer: true });
  expect(await filledTables()).not.toContain("checkpoint");
  expect(await threadRow()).toMatchObject({
    status: "busy",
    active_count: 1,
    values: null,
    interrupts: {},
    epoch: "1",
  });
});

test("assistants go, except the one that exists for the graph itself; the store goes", async () => {
  await truncateDatabase(database.pool, { assistants: true, store: true });
  const { rows } = await database.pool.query("select assistant_id from assistant");
  expect(rows).toEqual([{ assistant_id: systemAssistantId("agent") }]);
  expect(await filledTables()).not.toContain("store_item");
});
