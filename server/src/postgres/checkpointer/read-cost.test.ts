// What a read costs the database: rows touched do not grow with the thread, even where the planner takes the thread for small.
import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintId } from "../../domain/ids.ts";
import { openPool } from "../pool.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { CheckpointCache } from "./cache.ts";
import { HoldfastSaver } from "./saver.ts";

/** Executions after which PostgreSQL may take a plan that does not look at the values. */
const GENERIC_AFTER = 6;

let database: TestDatabase;
// One connection, so that its counters can be flushed and its plans are the ones that are measured.
let pool: ReturnType<typeof openPool>;

beforeAll(async () => {
  database = await openTestDatabase();
  // Without statistics, as a new installation is: the planner knows nothing of how long threads are.
  await database.pool.query("alter table checkpoint_item set (autovacuum_enabled = off)");
  await database.pool.query("alter table checkpoint_write set (autovacuum_enabled = off)");
  await database.pool.query("alter table checkpoint set (autovacuum_enabled = off)");
  pool = openPool(database.url, { max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.close();
});

/** Rows that statements of this connection have fetched so far, by index or by scan. */
async function countFetchedRows(): Promise<number> {
  await pool.query("select pg_stat_force_next_flush()");
  const { rows } = await pool.query<{ count: string }>(
    `select sum(seq_tup_read + idx_tup_fetch) as count from pg_stat_user_tables
     where relname in ('checkpoint', 'checkpoint_item', 'checkpoint_write')`,
  );
  return Number(rows[0]?.count);
}

test("a turn's read touches as many rows on a thread of 120 turns as on one of 20", async () => {
  const cache = new CheckpointCache();
  const threadId = mintId();
  const config = { configurable: { thread_id: threadId } };
  const runTurn = async (): Promise<void> => {
    const graph = new StateGraph(MessagesAnnotation)
      .addNode("reply", () => ({ messages: [new AIMessage({ id: mintId(), content: "x".repeat(400) })] }))
      .addEdge(START, "reply")
      .compile({ checkpointer: new HoldfastSaver({ pool, cache }) });
    await graph.invoke({ messages: [new HumanMessage({ id: mintId(), content: "y".repeat(400) })] }, config);
  };
  const readNext = async (): Promise<number> => {
    for (let read = 0; read < GENERIC_AFTER; read++) await new HoldfastSaver({ pool, cache }).getTuple(config);
    await runTurn();
    const before = await countFetchedRows();
    const tuple = await new HoldfastSaver({ pool, cache }).getTuple(config);
    const fetched = (await countFetchedRows()) - before;
    expect(tuple?.checkpoint.channel_values.messages).toHaveLength(messageCount());
    return fetched;
  };
  let turns = 0;
  const messageCount = (): number => 2 * (turns + 1);
  for (; turns < 20; turns++) await runTurn();
  const early = await readNext();
  for (turns += 1; turns < 120; turns++) await runTurn();
  const late = await readNext();
  expect(early).toBeGreaterThan(0);
  expect(late).toBeLessThanOrEqual(early + 2);
}, 120_000);
