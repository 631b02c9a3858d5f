// Holds the hot statements to their indexes: with rows enough for it to matter, none of them reads a large table from end to end.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createPersistence, type Persistence } from "./persistence.ts";
import { newRun } from "./testing/new-run.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";
import { PostgresWebhookDeliveryRepository } from "./webhook-delivery-repository.ts";

interface Statement {
  text: string;
  values?: unknown[];
}

let database: TestDatabase;
let persistence: Persistence;
const original = pg.Client.prototype.query;
let recorded: Statement[] | undefined;

/** 4,000 threads of 1 kB, 20,000 runs, and of everything else some thousands. Little of it is waiting, as on any server. */
const SEED = `
  insert into thread (thread_id, metadata, "values", created_at, state_updated_at)
    select md5('t' || i)::uuid, jsonb_build_object('owner', 'o' || i % 100, 'graph_id', 'g', 'note', 'n' || i),
      jsonb_build_object('topic', 'topic ' || i % 50, 'text', repeat(md5(i::text), 30)), now() - i * interval '1 minute', now()
    from generate_series(1, 4000) i;
  insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, created_at)
    select md5('r' || i)::uuid, md5('t' || i % 4000)::uuid, md5('a')::uuid, 'success', '{"graphId": "g"}', 'enqueue', now()
    from generate_series(1, 20000) i;
  insert into run_event (run_id, seq, event, data)
    select md5('r' || i)::uuid, seq, 'values', repeat(md5(i::text), 5)
    from generate_series(1, 5000) i, generate_series(0, 3) seq;
  insert into webhook_delivery (delivery_id, run_id, thread_id, url, payload, status)
    select md5('w' || i)::uuid, md5('r' || i)::uuid, md5('t')::uuid, 'http://x', '{}', 'delivered' from generate_series(1, 8000) i;
  insert into idempotency_key (key_digest, request_digest, seed, locked_until, expires_at)
    select sha256(i::text::bytea), sha256('r'), md5('s')::uuid, now(), now() + interval '1 day' from generate_series(1, 8000) i;
  insert into assistant (assistant_id, graph_id, name) select md5('a' || i)::uuid, 'g', 'a' || i from generate_series(1, 2000) i;
  insert into cron (cron_id, assistant_id, schedule, next_run_date, payload, run_request)
    select md5('c' || i)::uuid, md5('a1')::uuid, '* * * * *', now() + interval '1 day', '{}', '{}' from generate_series(1, 4000) i`;

const LARGE = ["thread", "thread_tag", "run", "run_event", "webhook_delivery", "idempotency_key", "cron", "assistant"];

beforeAll(async () => {
  database = await openTestDatabase();
  persistence = createPersistence(database.pool, (value) => value, {
    idempotencyRetentionMs: 1_000,
    eventRetentionMs: 86_400_000,
  });
  await database.pool.query(SEED);
  await vacuumAll();
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, values] = args as [string | Statement, unknown[] | undefined];
    recorded?.push(typeof first === "string" ? { text: first, values: values ?? [] } : first);
    return Reflect.apply(original, this, args);
  } as typeof original;
}, 60_000);

/** Until every page counts as seen by all: a transaction that goes on beside it, as autovacuum's, keeps pages from it. */
async function vacuumAll(): Promise<void> {
  const isDone = async () => {
    await database.pool.query("vacuum (analyze)");
    const { rows } = await database.pool.query<{ done: boolean }>(
      "select bool_and(relallvisible = relpages) as done from pg_class where relname in ('thread', 'thread_tag')",
    );
    return rows[0]!.done;
  };
  await vi.waitFor(async () => expect(await isDone()).toBe(true), { timeout: 30_000, interval: 500 });
}

afterAll(async () => {
  pg.Client.prototype.query = original;
  await database.close();
});

/** The statements that `work` sends and their plans. */
async function plansOf(work: () => Promise<unknown>): Promise<string> {
  const statements: Statement[] = [];
  recorded = statements;
  await work().finally(() => {
    recorded = undefined;
  });
  const plans: string[] = [];
  for (const { text, values } of statements.filter((each) =>
    /^\s*(with|select|update|delete|insert)\b/i.test(each.text),
  )) {
    const { rows } = await database.pool.query<{ "QUERY PLAN": string }>(`explain (costs off) ${text}`, values ?? []);
    plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
  }
  expect(plans.length).toBeGreaterThan(0);
  return plans.join("\n\n");
}

/** Tables that a plan reads from end to end, partitions included. */
function scannedTables(plan: string): string[] {
  const scanned = [...plan.matchAll(/Seq Scan on (\w+)/g)].map(([, table]) => table!);
  return scanned.filter((table) =>
    LARGE.some((large) => table === large || table.startsWith(`${large}_p`) || table === `${large}_default`),
  );
}

const thread = (fields: object) => () =>
  persistence.threads.searchThreads({ limit: 10, offset: 0, withValues: true, ...fields });
const owned = (fields: object) => () =>
  persistence.threads.searchThreads(
    { limit: 10, offset: 0, withValues: true, ...fields },
    { equals: { key: "owner", value: "o7" } },
  );
const page = { limit: 10, offset: 0 };

const HOT: [string, () => Promise<unknown>][] = [
  ["admission", () => persistence.queue.admitRun(newRun(), { leaseDurationMs: 1_000 })],
  ["claim", () => persistence.queue.claimRuns({ workerId: "w", countMax: 4, leaseDurationMs: 60_000 })],
  [
    "renewal",
    () =>
      persistence.queue.renewLeases({
        workerId: "w",
        fences: [{ threadId: randomUUID(), runId: randomUUID(), epoch: "1" }],
        leaseDurationMs: 60_000,
      }),
  ],
  [
    "sweep",
    () =>
      persistence.queue.sweepExpiredLeases({ sweeperId: "s", attemptMax: 3, countMax: 100, leaseDurationMs: 1_000 }),
  ],
  ["queue depth", () => persistence.queue.countPending(1_000)],
  [
    "due ticks",
    () => persistence.crons.fireDueTicks({ countMax: 100, decide: () => Promise.reject(new Error("none is due")) }),
  ],
  [
    "due notices",
    () => new PostgresWebhookDeliveryRepository(database.pool).claimDeliveries({ countMax: 10, leaseMs: 1_000 }),
  ],
  ["old notices", () => new PostgresWebhookDeliveryRepository(database.pool).deleteEndedDeliveries(86_400_000, 100)],
  ["expired keys", () => persistence.idempotency.deleteExpiredKeys(100)],
  ["ended threads", () => persistence.retention.removeEndedThreads({ countMax: 100, isMeasured: false })],
  ["expired threads", () => persistence.retention.removeExpiredThreads({ countMax: 100, isMeasured: false })],
  [
    "events of runs",
    () =>
      persistence.log.readEvents(
        [
          { runId: randomUUID(), afterSeq: 3 },
          { runId: randomUUID(), afterSeq: -1 },
        ],
        100,
      ),
  ],
  ["statuses of runs", () => persistence.log.readStatuses([randomUUID(), randomUUID()])],
  ["a run", () => persistence.runs.findRun(randomUUID(), randomUUID())],
  ["runs of a thread", () => persistence.runs.listRuns({ threadId: randomUUID(), ...page })],
  ["runs to cancel", () => persistence.runs.findRunIds({ statuses: ["pending", "running"] })],
  ["a thread", () => persistence.threads.findThread(randomUUID())],
  ["threads", thread({})],
  ["threads by updated_at", thread({ sortBy: "updatedAt" })],
  ["threads by state_updated_at", thread({ sortBy: "stateUpdatedAt", sortOrder: "asc" })],
  ["threads by status", thread({ sortBy: "status" })],
  ["threads of a status", thread({ status: "interrupted" })],
  ["threads of a graph", thread({ metadata: { graph_id: "g" } })],
  ["threads by metadata", thread({ metadata: { note: "n7" } })],
  ["threads by metadata of a status", thread({ metadata: { owner: "o7" }, status: "idle" })],
  ["threads by nested metadata", thread({ metadata: { a: { b: 1 } } })],
  ["threads by values", thread({ values: { topic: "topic 7" } })],
  ["threads of an owner", owned({})],
  ["threads of an owner by updated_at", owned({ sortBy: "updatedAt" })],
  ["threads of an owner by values", owned({ values: { topic: "topic 7" } })],
  ["number of threads by metadata", () => persistence.threads.countThreads({ metadata: { owner: "o7" } })],
  ["crons of a thread", () => persistence.crons.searchCrons({ threadId: randomUUID(), ...page })],
  ["crons by metadata", () => persistence.crons.searchCrons({ metadata: { kind: "x" }, ...page })],
  ["assistants by metadata", () => persistence.assistants.searchAssistants({ metadata: { team: "x" }, ...page })],
];

test.each(HOT)("%s: an index answers", async (_name, work) => {
  const plan = await plansOf(work);
  expect(scannedTables(plan), plan).toEqual([]);
});

test("what reads a table from end to end is seen", async () => {
  const plan = await plansOf(() => database.pool.query({ text: "select * from run where attempt = 7", values: [] }));
  expect(scannedTables(plan)).toEqual(["run"]);
  const events = await plansOf(() =>
    database.pool.query({ text: "select * from run_event where event = 'x'", values: [] }),
  );
  expect(scannedTables(events)).toContain("run_event_default");
});
