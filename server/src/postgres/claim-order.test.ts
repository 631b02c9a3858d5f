// Who is claimed when: limits of assistants hold under any number of workers, and no priority keeps a run waiting for ever.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { ClaimedRun, RunEnd } from "../domain/ports/run-queue.ts";
import { PostgresRunQueue } from "./run-queue.ts";
import { newRun } from "./testing/new-run.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

const LEASE = { leaseDurationMs: 60_000 };
const SUCCESS: RunEnd = { status: "success", error: null, events: [], isThreadInterrupted: false, interrupts: {} };

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate thread, run, assistant cascade"));

/** Each stands for a worker process of its own. */
function openQueue(): PostgresRunQueue {
  return new PostgresRunQueue(database.pool, async () => {});
}

async function createAssistant(concurrencyMax: number | null): Promise<string> {
  const assistantId = mintId();
  await database.pool.query(
    "insert into assistant (assistant_id, graph_id, name, metadata) values ($1, 'g', 'a', $2)",
    [assistantId, JSON.stringify({ "holdfast.concurrency_max": concurrencyMax })],
  );
  return assistantId;
}

function setLimit(assistantId: string, concurrencyMax: number | null) {
  const metadata = JSON.stringify({ "holdfast.concurrency_max": concurrencyMax });
  return database.pool.query("update assistant set metadata = $2 where assistant_id = $1", [assistantId, metadata]);
}

async function admit(assistantId: string, fields: { isLimited?: true; priority?: number } = {}): Promise<string> {
  const run = newRun({
    assistantId,
    kwargs: fields.isLimited ? { isLimited: true } : {},
    priority: fields.priority ?? 0,
  });
  await openQueue().admitRun(run, LEASE);
  return run.runId;
}

async function admitMany(count: number, assistantId: string, fields?: { isLimited?: true }): Promise<void> {
  for (let index = 0; index < count; index++) await admit(assistantId, fields);
}

async function countRunning(assistantId: string): Promise<number> {
  const { rows } = await database.pool.query(
    "select count(*)::int as count from run where assistant_id = $1 and status = 'running'",
    [assistantId],
  );
  return rows[0].count;
}

describe("an assistant's limit", () => {
  test("holds while many workers claim and end at the same time, and every run gets its turn", async () => {
    const assistantId = await createAssistant(3);
    await admitMany(60, assistantId, { isLimited: true });
    let endedCount = 0;
    let runningMax = 0;
    const work = async (workerId: string) => {
      const queue = openQueue();
      while (endedCount < 60) {
        const claimed = await queue.claimRuns({ workerId, countMax: 4, ...LEASE });
        runningMax = Math.max(runningMax, await countRunning(assistantId));
        for (const { fence } of claimed) {
          await queue.endRun(fence, SUCCESS);
          endedCount++;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => work(`worker-${index}`)));
    expect(endedCount).toBe(60);
    expect(runningMax).toBe(3);
  });

  test("counts for that assistant alone", async () => {
    const limited = await createAssistant(1);
    const other = await createAssistant(2);
    const free = await createAssistant(null);
    await admitMany(5, limited, { isLimited: true });
    await admitMany(5, other, { isLimited: true });
    await admitMany(5, free);
    const claimed = await openQueue().claimRuns({ workerId: "w", countMax: 50, ...LEASE });
    const countOf = (assistantId: string) => claimed.filter(({ run }) => run.assistantId === assistantId).length;
    expect([countOf(limited), countOf(other), countOf(free)]).toEqual([1, 2, 5]);
  });

  test("can be raised, lifted, and is none when the assistant is gone", async () => {
    const assistantId = await createAssistant(1);
    await admitMany(9, assistantId, { isLimited: true });
    const queue = openQueue();
    const claim = async () => (await queue.claimRuns({ workerId: "w", countMax: 5, ...LEASE })).length;
    expect(await claim()).toBe(1);
    expect(await claim()).toBe(0);
    await setLimit(assistantId, 3);
    expect(await claim()).toBe(2);
    await setLimit(assistantId, null);
    expect(await claim()).toBe(5);
    await database.pool.query("delete from assistant");
    expect(await claim()).toBe(1);
  });

  test("does not keep its runs waiting behind a stream of others", async () => {
    const limited = await createAssistant(5);
    const free = await createAssistant(null);
    await admitMany(5, limited, { isLimited: true });
    await admitMany(40, free);
    const queue = openQueue();
    const claimed: ClaimedRun[] = [];
    for (let turn = 0; turn < 6; turn++)
      claimed.push(...(await queue.claimRuns({ workerId: "w", countMax: 2, ...LEASE })));
    expect(claimed.filter(({ run }) => run.assistantId === limited)).toHaveLength(5);
  });
});

test("whether limited runs are due is seen without reading a run", async () => {
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy)
     select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'pending', '{}', 'enqueue' from generate_series(1, 5000)`,
  );
  await database.pool.query("analyze run");
  const { rows } = await database.pool.query(
    `explain (analyze, buffers, format json) select exists (
       select 1 from run l where l.status = 'pending' and l.is_limited and l.available_at <= now())`,
  );
  const plan = JSON.stringify(rows);
  expect(plan).toContain("run_pending_limited");
  expect(rows[0]["QUERY PLAN"][0].Plan["Shared Hit Blocks"]).toBeLessThan(5);
});

test("an urgent run goes first, but the oldest waits for at most eight claims", async () => {
  const assistantId = await createAssistant(null);
  const old = await admit(assistantId, { priority: -100 });
  const queue = openQueue();
  const order: string[] = [];
  for (let turn = 0; turn < 8; turn++) {
    await admit(assistantId, { priority: 100 });
    await admit(assistantId, { priority: 100 });
    for (const { run } of await queue.claimRuns({ workerId: "w", countMax: 1, ...LEASE })) order.push(run.runId);
  }
  expect(order).toHaveLength(8);
  expect(order.indexOf(old)).toBe(7);
});
