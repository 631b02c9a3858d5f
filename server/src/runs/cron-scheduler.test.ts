// Ticks on a real PostgreSQL: once each on any number of schedulers, late, missed, refused, ended; the clock is the test's.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { NewCron } from "../domain/cron.ts";
import { mintId, systemAssistantId } from "../domain/ids.ts";
import type { RunKwargs } from "../domain/run.ts";
import { LocalBus } from "../event-bus/local-bus.ts";
import { createLogger } from "../observability/logger.ts";
import { createMetrics } from "../observability/metrics.ts";
import { createReport } from "../observability/report.ts";
import { createPersistence, type Persistence } from "../postgres/persistence.ts";
import { openTestDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { CronScheduler } from "./cron-scheduler.ts";

const ASSISTANT = systemAssistantId("agent");

let database: TestDatabase;
let persistence: Persistence;
beforeAll(async () => {
  database = await openTestDatabase();
  persistence = createPersistence(database.pool, (value) => value, {
    idempotencyRetentionMs: 1_000,
    eventRetentionMs: 86_400_000,
  });
  await persistence.assistants.ensureSystemAssistants([
    {
      assistantId: ASSISTANT,
      graphId: "agent",
      name: "agent",
      description: null,
      config: {},
      context: {},
      metadata: {},
    },
  ]);
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate thread, run, cron cascade"));

const at = (time: string) => new Date(`2026-03-01T${time}Z`);

function createCron(fields: Partial<NewCron> = {}) {
  return persistence.crons.createCron({
    cronId: mintId(),
    assistantId: ASSISTANT,
    threadId: null,
    schedule: "0 * * * *",
    timezone: null,
    endTime: null,
    nextRunAt: at("10:00:00"),
    payload: {},
    runRequest: { input: { n: 1 }, trustedConfigurable: { langgraph_auth_user_id: "u1" } },
    metadata: { kind: "report" },
    userId: null,
    isEnabled: true,
    onRunCompleted: "delete",
    ...fields,
  });
}

function createScheduler(
  now?: () => Date,
  options: { hasGraph?: boolean; queueDepthMax?: number } = {},
): CronScheduler {
  const limits = { queueDepthMax: options.queueDepthMax ?? 1_000, idempotencyRetentionMs: 1_000 };
  return new CronScheduler({
    crons: persistence.crons,
    assistants: persistence.assistants,
    queue: persistence.queue,
    catalog: {
      listGraphs: () => [{ graphId: "agent", description: null }],
      hasGraph: () => options.hasGraph ?? true,
      drawGraph: async () => ({}),
      readSchemas: async () => Promise.reject(new Error("not asked")),
      readSubgraphs: async () => ({}),
    },
    bus: new LocalBus(),
    limits: {
      ...limits,
      leaseDurationMs: 1_000,
      heartbeatIntervalMs: 100,
      pollIntervalMs: 100,
      attemptMax: 3,
      slotsMax: 1,
      runTimeoutMs: 0,
      defaultThreadTtl: undefined,
      idleTimeoutMs: 0,
      drainGraceMs: 0,
    },
    report: createReport(createLogger({ level: "silent" }), createMetrics()),
    ...(now && { now }),
  });
}

interface FoundRun {
  run_id: string;
  thread_id: string;
  status: string;
  metadata: Record<string, unknown>;
  kwargs: RunKwargs;
  is_temporary: boolean;
  thread_metadata: Record<string, unknown>;
}

async function runs(): Promise<FoundRun[]> {
  const { rows } = await database.pool.query<FoundRun>(
    `select r.*, t.is_temporary, t.metadata as thread_metadata from run r join thread t using (thread_id)
     order by r.queue_order`,
  );
  return rows;
}

test("a due tick starts one run on a thread of its own, as its creator asked", async () => {
  const { cronId } = await createCron();
  await createCron({ nextRunAt: at("10:00:01") });
  await createCron({ isEnabled: false });
  const scheduler = createScheduler(() => at("10:00:00"));
  expect(await scheduler.takeTurn()).toBe(false);
  await scheduler.takeTurn();
  const found = await runs();
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    status: "pending",
    metadata: { kind: "report", cron_id: cronId },
    is_temporary: true,
    thread_metadata: { cron_id: cronId, graph_id: "agent" },
    kwargs: { input: { n: 1 }, config: { configurable: { langgraph_auth_user_id: "u1" } }, isTemporary: true },
  });
  expect((await persistence.crons.findCron(cronId))!.nextRunAt).toEqual(at("11:00:00"));
});

test("on a thread, runs queue up; on_run_completed keep keeps a thread", async () => {
  const thread = await persistence.threads.createThread({ threadId: mintId(), metadata: {} }, "raise");
  await createCron({ threadId: thread.threadId });
  await createCron({ onRunCompleted: "keep" });
  let now = at("10:00:00");
  const scheduler = createScheduler(() => now);
  await scheduler.takeTurn();
  now = at("11:00:00");
  await scheduler.takeTurn();
  const found = await runs();
  expect(found).toHaveLength(4);
  expect(found.filter(({ thread_id }) => thread_id === thread.threadId)).toHaveLength(2);
  expect(new Set(found.map(({ thread_id }) => thread_id)).size).toBe(3);
  expect(found.every(({ is_temporary }) => !is_temporary)).toBe(true);
});

test("schedulers of many processes fire each tick once, whatever they do at once", async () => {
  const thread = await persistence.threads.createThread({ threadId: mintId(), metadata: {} }, "raise");
  const crons = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      createCron({ schedule: "* * * * *", threadId: n % 3 ? null : thread.threadId }),
    ),
  );
  let now = at("10:00:00");
  const schedulers = Array.from({ length: 4 }, () => createScheduler(() => now));
  for (let minute = 0; minute < 3; minute++) {
    now = at(`10:0${minute}:00`);
    await Promise.all(schedulers.flatMap((scheduler) => [scheduler.takeTurn(), scheduler.takeTurn()]));
  }
  const found = await runs();
  expect(found).toHaveLength(90);
  for (const { cronId } of crons) {
    expect(found.filter(({ metadata }) => metadata.cron_id === cronId)).toHaveLength(3);
  }
});

test("ticks that were missed fire once together, then go on as before", async () => {
  const { cronId } = await createCron({ schedule: "*/5 * * * *" });
  let now = at("13:02:30");
  const scheduler = createScheduler(() => now);
  await scheduler.takeTurn();
  await scheduler.takeTurn();
  expect(await runs()).toHaveLength(1);
  expect((await persistence.crons.findCron(cronId))!.nextRunAt).toEqual(at("13:05:00"));
  now = at("13:05:00");
  await scheduler.takeTurn();
  expect(await runs()).toHaveLength(2);
});

test("a process that dies while firing leaves neither half a tick nor a lost one", async () => {
  const { cronId } = await createCron();
  const options = { now: at("10:00:00"), countMax: 1 };
  const dying = persistence.crons.fireDueTicks({
    ...options,
    decide: async () => {
      // What a kill does: the connection is gone before the commit.
      await database.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and state = 'idle in transaction'`,
      );
      return { nextRunAt: at("11:00:00") };
    },
  });
  await expect(dying).rejects.toThrow();
  expect((await persistence.crons.findCron(cronId))!.nextRunAt).toEqual(at("10:00:00"));
  await createScheduler(() => at("10:00:00")).takeTurn();
  expect(await runs()).toHaveLength(1);
});

test("nothing fires after the end, except what was due just before it", async () => {
  const last = await createCron({ endTime: at("10:30:00") });
  const over = await createCron({ endTime: at("10:00:00"), nextRunAt: at("09:00:00") });
  await createScheduler(() => at("10:05:00")).takeTurn();
  const found = await runs();
  expect(found.map(({ metadata }) => metadata.cron_id)).toEqual([last.cronId]);
  for (const { cronId } of [last, over]) expect((await persistence.crons.findCron(cronId))!.nextRunAt).toBeNull();
});

test("a tick that cannot start a run passes, and the cron goes on", async () => {
  const thread = await persistence.threads.createThread({ threadId: mintId(), metadata: {} }, "raise");
  const busy = await createCron({ threadId: thread.threadId });
  const rejecting = await createCron({
    threadId: thread.threadId,
    runRequest: { multitaskStrategy: "reject" },
    nextRunAt: at("10:00:01"),
  });
  await createScheduler(() => at("10:00:02")).takeTurn();
  expect((await runs()).map(({ metadata }) => metadata.cron_id)).toEqual([busy.cronId]);
  expect((await persistence.crons.findCron(rejecting.cronId))!.nextRunAt).toEqual(at("11:00:00"));
  await createScheduler(() => at("11:00:00"), { hasGraph: false }).takeTurn();
  expect(await runs()).toHaveLength(1);
  expect((await persistence.crons.findCron(busy.cronId))!.nextRunAt).toEqual(at("12:00:00"));
});

test("a cron that cannot be fired holds up no other", async () => {
  const unreadable = await createCron({ timezone: "Mars/Olympus", nextRunAt: at("09:00:00") });
  const failing = await createCron({ nextRunAt: at("09:30:00"), metadata: { kind: "failing" } });
  const healthy = await createCron();
  await database.pool.query(`
    create function refuse_run() returns trigger language plpgsql as $$ begin raise 'the disk is on fire'; end $$;
    create trigger refuse_run before insert on run for each row
      when (new.metadata ->> 'kind' = 'failing') execute function refuse_run()`);
  try {
    await expect(createScheduler(() => at("10:00:00")).takeTurn()).rejects.toThrow("the disk is on fire");
  } finally {
    await database.pool.query("drop function refuse_run cascade");
  }
  const nextOf = async ({ cronId }: { cronId: string }) => (await persistence.crons.findCron(cronId))!.nextRunAt;
  expect((await runs()).map(({ metadata }) => metadata.cron_id)).toEqual([healthy.cronId]);
  expect(await nextOf(healthy)).toEqual(at("11:00:00"));
  // What can never be is over; what failed is due still, and fires when it can.
  expect(await nextOf(unreadable)).toBeNull();
  expect(await nextOf(failing)).toEqual(at("09:30:00"));
  await createScheduler(() => at("10:00:01")).takeTurn();
  expect((await runs()).map(({ metadata }) => metadata.cron_id)).toEqual([healthy.cronId, failing.cronId]);
});

test("strategies that end other runs do so", async () => {
  const thread = await persistence.threads.createThread({ threadId: mintId(), metadata: {} }, "raise");
  const strategy = (multitaskStrategy: string, nextRunAt: Date) =>
    createCron({ threadId: thread.threadId, runRequest: { multitaskStrategy }, nextRunAt });
  await strategy("enqueue", at("10:00:00"));
  await strategy("interrupt", at("10:00:01"));
  await strategy("rollback", at("10:00:02"));
  await createScheduler(() => at("10:00:02")).takeTurn();
  expect((await runs()).map(({ status }) => status)).toEqual(["interrupted", "pending"]);
});

test("while the queue is full, ticks wait", async () => {
  await createCron();
  await createScheduler(() => at("10:00:00"), { queueDepthMax: 0 }).takeTurn();
  expect(await runs()).toEqual([]);
  await createScheduler(() => at("10:10:00")).takeTurn();
  expect(await runs()).toHaveLength(1);
});

test("without a clock the database's counts", async () => {
  const { cronId } = await createCron({ nextRunAt: new Date(Date.now() - 1_000), schedule: "* * * * *" });
  await createScheduler().takeTurn();
  expect(await runs()).toHaveLength(1);
  expect((await persistence.crons.findCron(cronId))!.nextRunAt!.getTime()).toBeGreaterThan(Date.now());
});

test("a thread takes its crons with it, an assistant too, also while ticks fire", async () => {
  const threads = await Promise.all(
    Array.from({ length: 20 }, () => persistence.threads.createThread({ threadId: mintId(), metadata: {} }, "raise")),
  );
  for (const { threadId } of threads) await createCron({ threadId });
  const scheduler = createScheduler(() => at("10:00:00"));
  await Promise.all([
    scheduler.takeTurn(),
    ...threads.map(({ threadId }) => persistence.threads.deleteThread(threadId)),
  ]);
  expect(await persistence.crons.countCrons({})).toBe(0);
  const own = await persistence.assistants.createAssistant(
    { assistantId: mintId(), graphId: "agent", name: "own", description: null, config: {}, context: {}, metadata: {} },
    "raise",
  );
  await createCron({ assistantId: own.assistantId });
  await persistence.assistants.deleteAssistant(own.assistantId, { deleteThreads: false });
  expect(await persistence.crons.countCrons({})).toBe(0);
});
