// Proves on a real PostgreSQL that the event log's partitions come in time, go in time, and survive many maintainers.
import { v7 } from "uuid";
import { afterEach, beforeEach, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import { maintainEventPartitions } from "./partitions.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

const DAY_MS = 86_400_000;
const NOW = new Date("2026-03-10T12:00:00Z");
const days = (count: number) => new Date(NOW.getTime() + count * DAY_MS);
const runIdAt = (time: Date) => v7({ msecs: time.getTime() });
const WEEK = { retentionMs: 7 * DAY_MS };

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

async function addEvent(runId: string): Promise<string> {
  await database.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'values', '{}')", [runId]);
  const { rows } = await database.pool.query<{ place: string }>(
    "select tableoid::regclass::text as place from run_event where run_id = $1",
    [runId],
  );
  return rows[0]!.place;
}

async function addRun(runId: string, status: string): Promise<void> {
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy) values ($1, $2, $2, $3, '{}', 'enqueue')`,
    [runId, mintId(), status],
  );
}

test("today and the next three days get partitions, and each run's events go to its day's", async () => {
  const { created, dropped } = await maintainEventPartitions(database.pool, { ...WEEK, now: NOW });
  expect(created).toEqual(["run_event_20260310", "run_event_20260311", "run_event_20260312", "run_event_20260313"]);
  expect(dropped).toEqual([]);
  expect(await addEvent(runIdAt(NOW))).toBe("run_event_20260310");
  expect(await addEvent(runIdAt(new Date("2026-03-10T00:00:00.000Z")))).toBe("run_event_20260310");
  expect(await addEvent(runIdAt(new Date("2026-03-10T23:59:59.999Z")))).toBe("run_event_20260310");
  expect(await addEvent(runIdAt(days(3)))).toBe("run_event_20260313");
  expect(await addEvent(runIdAt(days(4)))).toBe("run_event_default");
  expect(await addEvent(crypto.randomUUID())).toBe("run_event_default");
  const again = await maintainEventPartitions(database.pool, { ...WEEK, now: days(1) });
  // The event of 14 March went to the default partition already; it is not moved, so that day stays there.
  expect(again).toEqual({ created: [], dropped: [], postponed: ["run_event_20260314"] });
});

test("the same event twice is still refused inside a partition", async () => {
  await maintainEventPartitions(database.pool, { ...WEEK, now: NOW });
  const runId = runIdAt(NOW);
  await addEvent(runId);
  await expect(addEvent(runId)).rejects.toThrow("duplicate key");
});

test("without a time given, the database's clock decides", async () => {
  const { created } = await maintainEventPartitions(database.pool, WEEK);
  expect(created).toHaveLength(4);
  expect(await addEvent(mintId())).toBe(created[0]);
});

test("a partition goes once its whole day is older than the retention, with its events", async () => {
  await maintainEventPartitions(database.pool, { ...WEEK, now: NOW });
  const [first, second] = [runIdAt(NOW), runIdAt(days(1))];
  await addEvent(first);
  await addEvent(second);
  await addRun(first, "success");
  expect(
    (await maintainEventPartitions(database.pool, { ...WEEK, now: new Date("2026-03-17T23:59:59Z") })).dropped,
  ).toEqual([]);
  const { dropped } = await maintainEventPartitions(database.pool, { ...WEEK, now: new Date("2026-03-18T00:00:00Z") });
  expect(dropped).toEqual(["run_event_20260310"]);
  const { rows } = await database.pool.query("select run_id from run_event");
  expect(rows).toEqual([{ run_id: second }]);
});

test("events of a run that is still pending or running are kept, in a partition and in the default one", async () => {
  const waiting = runIdAt(days(-1));
  const aged = runIdAt(days(-2));
  await addEvent(waiting);
  await addEvent(aged);
  await addEvent(crypto.randomUUID());
  await addRun(waiting, "pending");
  await maintainEventPartitions(database.pool, { ...WEEK, now: NOW });
  const running = runIdAt(NOW);
  await addEvent(running);
  await addRun(running, "running");
  const later = await maintainEventPartitions(database.pool, { ...WEEK, now: days(30) });
  expect(later.dropped).toEqual(["run_event_20260311", "run_event_20260312", "run_event_20260313"]);
  expect(later.postponed).toEqual(["run_event_20260310"]);
  const { rows } = await database.pool.query<{ run_id: string }>("select run_id from run_event");
  const left = rows.map((row) => row.run_id);
  expect(left).toHaveLength(3);
  expect(left).toEqual(expect.arrayContaining([waiting, running]));
  expect(left).not.toContain(aged);
});

test("many maintainers at once, with appends going on: each partition is made once and nothing is lost", async () => {
  let isDone = false;
  let appendCount = 0;
  const appending = (async () => {
    while (!isDone) {
      await addEvent(runIdAt(new Date(NOW.getTime() + appendCount * 1_000)));
      appendCount += 1;
    }
  })();
  // An append may win the race to the first day, which then stays in the default partition; the others are free.
  const results = await Promise.all(
    Array.from({ length: 8 }, () => maintainEventPartitions(database.pool, { ...WEEK, now: NOW })),
  );
  isDone = true;
  await appending;
  const created = results.flatMap((result) => result.created);
  expect(new Set(created).size).toBe(created.length);
  expect(created).toEqual(expect.arrayContaining(["run_event_20260311", "run_event_20260312", "run_event_20260313"]));
  expect(appendCount).toBeGreaterThan(0);
  expect((await database.pool.query("select 1 from run_event")).rowCount).toBe(appendCount);
});

test("a log that somebody holds is not waited for long; the change is made by the next call", async () => {
  await maintainEventPartitions(database.pool, { ...WEEK, now: NOW });
  const reader = await database.pool.connect();
  try {
    await reader.query("begin");
    await reader.query("select * from run_event");
    const held = await maintainEventPartitions(database.pool, { ...WEEK, now: days(8) });
    expect(held.postponed).toContain("run_event_20260310");
    await reader.query("commit");
  } finally {
    reader.release();
  }
  const { dropped } = await maintainEventPartitions(database.pool, { ...WEEK, now: days(8) });
  expect(dropped).toContain("run_event_20260310");
}, 30_000);
