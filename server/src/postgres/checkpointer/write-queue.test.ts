// Writes of many threads travel together, survive lost connections, and one bad write does not harm the others.
import { HumanMessage } from "@langchain/core/messages";
import { emptyCheckpoint, uuid6 } from "@langchain/langgraph-checkpoint";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { HoldfastSaver } from "./saver.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const LONG = "words that fill an item ".repeat(60);

function put(threadId: string, value: unknown = LONG): Promise<unknown> {
  const saver = new HoldfastSaver({ pool: database.pool });
  const channel_values = { messages: [new HumanMessage({ id: mintId(), content: LONG })], value };
  const versions = { messages: 1, value: 1 };
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(0), channel_values, channel_versions: versions };
  const config = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  return saver.put(config, checkpoint, { source: "loop", step: 0, parents: {} }, versions);
}

async function expectStored(threadId: string): Promise<void> {
  const tuple = await new HoldfastSaver({ pool: database.pool }).getTuple({ configurable: { thread_id: threadId } });
  expect(tuple?.checkpoint.channel_values).toMatchObject({ messages: [{ content: LONG }], value: LONG });
}

test("writes that are made together share statements", async () => {
  const query = vi.spyOn(database.pool, "query");
  const ids = Array.from({ length: 100 }, mintId);
  await Promise.all(ids.map((id) => put(id)));
  expect(query.mock.calls.length).toBeLessThanOrEqual(2);
  query.mockRestore();
  for (const id of ids) await expectStored(id);
});

test("lost connections are survived", async () => {
  const ids = Array.from({ length: 30 }, mintId);
  const holder = await database.pool.connect();
  await holder.query("begin");
  await holder.query("lock table checkpoint in share mode");
  const storing = Promise.all(ids.map((id) => put(id)));
  let lost = 0;
  while (lost === 0) {
    const { rows } = await holder.query<{ count: number }>(
      `select count(pg_terminate_backend(pid))::int as count from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    lost += rows[0]?.count ?? 0;
  }
  await holder.query("rollback");
  holder.release();
  await storing;
  for (const id of ids) await expectStored(id);
});

test("a write that cannot be stored fails alone", async () => {
  const ids = Array.from({ length: 5 }, mintId);
  // PostgreSQL refuses a thread id with a null character.
  const results = await Promise.allSettled(
    [...ids.slice(0, 2), `bad\u0000${ids[0]}`, ...ids.slice(2)].map((id) => put(id)),
  );
  expect(results.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
  for (const id of ids) await expectStored(id);
});
