// Behind a real pgbouncer in transaction mode: everything works, few connections are used, and none is held while nodes work.
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { PGBOUNCER_MISSING, type Pgbouncer, startPgbouncer } from "../harness/pgbouncer.ts";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { type ServerProcess, startApi, startWorker } from "../harness/server-process.ts";
import { startSink } from "../harness/sink.ts";
import { readStream } from "../harness/stream-reader.ts";

const POOL_SIZE = 4;
const SLOW_RUNS = 50;
const SLOW_MS = 6_000;
/** A direct connection of each process. */
const PROCESSES = 2;
const SAMPLES_MIN = 20;
const CANCEL_MAX_MS = 1_000;

/** Says in its place what is missing where it cannot run. */
const testWithPooler = test.skipIf(PGBOUNCER_MISSING !== undefined);
if (PGBOUNCER_MISSING !== undefined) console.warn(`skipped: ${PGBOUNCER_MISSING}`);

let database: TestDatabase;
let pooler: Pgbouncer;
let api: ServerProcess;
let worker: ServerProcess;
let env: Record<string, string>;
beforeAll(async () => {
  if (PGBOUNCER_MISSING !== undefined) return;
  database = await openTestDatabase({ migrate: false });
  pooler = await startPgbouncer(database.url, { poolSize: POOL_SIZE });
  env = {
    DATABASE_URL: pooler.url,
    HOLDFAST_DIRECT_DATABASE_URL: database.url,
    // Debian 12 has pgbouncer 1.18, which knows no prepared statements in this mode.
    HOLDFAST_PREPARED_STATEMENTS: "0",
    HOLDFAST_SLOTS: String(SLOW_RUNS),
    HOLDFAST_POLL_INTERVAL_MS: "30000",
  };
  api = await startApi({ env });
  worker = await startWorker({ env });
}, 120_000);
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
  await pooler?.[Symbol.asyncDispose]();
  await database?.close();
});

const connect = () => SDK_LINES[0]!.connect(api.url);
const startSteps = async (configurable: Record<string, unknown>) => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    streamMode: ["custom"],
    config: { configurable },
  });
  return { client, run, stream: `${api.url}/threads/${thread_id}/runs/${run.run_id}/stream` };
};

testWithPooler(
  "runs are picked up, stream and end, though nothing is polled for",
  async () => {
    const { client, run, stream } = await startSteps({ steps: 5, step_ms: 50 });
    const reader = await readStream(stream, { headers: { "last-event-id": "-1" } });
    expect(await reader.ended).toBe(true);
    expect(reader.frames.map(({ id }) => Number(id))).toEqual(reader.frames.map((_, index) => index));
    expect(reader.frames.length).toBeGreaterThanOrEqual(5);
    await untilRun(client, run, "success");
    const { values } = await client.threads.getState<{ done: number }>(run.thread_id);
    expect(values.done).toBe(5);
    expect(api.output() + worker.output()).not.toMatch(/not heard|prepared statement/);
  },
  60_000,
);

testWithPooler(
  "a cancel reaches the worker within a second",
  async () => {
    const { client, run } = await startSteps({ steps: 1, step_ms: 60_000 });
    await untilRun(client, run, "running");
    const begun = performance.now();
    await client.runs.cancel(run.thread_id, run.run_id, true);
    expect(performance.now() - begun).toBeLessThan(CANCEL_MAX_MS);
    expect((await client.runs.get(run.thread_id, run.run_id)).status).toBe("interrupted");
  },
  60_000,
);

testWithPooler(
  `${SLOW_RUNS} runs in slow nodes hold no connection and no transaction`,
  async () => {
    const started = await Promise.all(
      Array.from({ length: SLOW_RUNS }, () => startSteps({ steps: 1, step_ms: SLOW_MS })),
    );
    await expect
      .poll(() => count("select count(*)::int from run where status = 'running'"), { timeout: 30_000, interval: 50 })
      .toBe(SLOW_RUNS);
    const samples: { connections: number; inTransaction: number; active: number }[] = [];
    while ((await count("select count(*)::int from run where status = 'running'")) === SLOW_RUNS) {
      const { rows } = await database.pool.query(
        `select count(*)::int as connections, count(*) filter (where state like 'idle in transaction%' and state_change < now() - interval '300 ms')::int as "inTransaction",
         count(*) filter (where state = 'active')::int as active
       from pg_stat_activity
       where datname = current_database() and backend_type = 'client backend' and application_name <> 'holdfast test'`,
      );
      samples.push(rows[0]);
    }
    expect(samples.length).toBeGreaterThan(SAMPLES_MIN);
    expect(Math.max(...samples.map(({ connections }) => connections))).toBeLessThanOrEqual(POOL_SIZE + PROCESSES);
    expect(samples.filter(({ inTransaction }) => inTransaction > 0)).toEqual([]);
    for (const { client, run } of started) await untilRun(client, run, "success");
  },
  120_000,
);

testWithPooler(
  "a killed worker's run goes on elsewhere within seconds: its beacon is its own, not the pooler's",
  async () => {
    await using sink = await startSink();
    const { client, run } = await startSteps({ steps: 4, step_ms: 1_000, sink_url: sink.url });
    await sink.waitFor(({ runId, step, phase }) => runId === run.run_id && step === 2 && phase === "begin");
    await worker.kill("SIGKILL");
    worker = await startWorker({ env });
    await untilRun(client, run, "success");
    const { rows } = await database.pool.query("select attempt, last_error from run where run_id = $1", [run.run_id]);
    expect(rows[0].attempt).toBe(2);
    expect(rows[0].last_error).toContain("its connection to PostgreSQL ended");
  },
  90_000,
);

testWithPooler(
  "without the direct URL the start says what to do, once, and runs are found by polling",
  async () => {
    const { HOLDFAST_DIRECT_DATABASE_URL: _, ...withoutDirect } = env;
    await using alone = await startApi({ env: { ...withoutDirect, HOLDFAST_POLL_INTERVAL_MS: "300" } }, "dev");
    const answer = await SDK_LINES[0]!.connect(alone.url).runs.wait(null, "steps", { input: {} });
    expect(answer).toMatchObject({ done: 3 });
    expect(alone.output().match(/HOLDFAST_DIRECT_DATABASE_URL to the same database/g)).toHaveLength(1);
  },
  60_000,
);

async function count(text: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(text);
  return rows[0]!.count;
}
