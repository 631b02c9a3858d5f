// F5: Redis is paused, frozen, flushed and killed in the middle of a streamed run between two processes; the client notices nothing but time.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../src/event-bus/testing/redis-server.ts";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { type ServerProcess, startApi, startWorker } from "../harness/server-process.ts";
import { readStream, type StreamReader } from "../harness/stream-reader.ts";

const STEPS = 24;
const STEP_MS = 100;
/** Long enough to be noticed on a busy machine. */
const PAUSE_MS = 4_000;
const DELAY_MAX_MS = 5_000;

/** Says in its place what is missing where it cannot run. */
const testWithRedis = test.skipIf(REDIS_MISSING !== undefined);
if (REDIS_MISSING !== undefined) console.warn(`skipped: ${REDIS_MISSING}`);

let database: TestDatabase;
let redis: RedisServer;
let api: ServerProcess;
let worker: ServerProcess;
beforeAll(async () => {
  if (REDIS_MISSING !== undefined) return;
  [database, redis] = await Promise.all([openTestDatabase(), startRedis()]);
  const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, LOG_LEVEL: "info" };
  api = await startApi({ env });
  worker = await startWorker({ env });
  await untilUp(2);
}, 120_000);
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  await database?.close();
});

/** Waits until so many processes hear signals through Redis. */
async function untilUp(count: number): Promise<void> {
  const read = async () => (await redis.command("PUBSUB", "NUMSUB", ...(await signalChannels()))) as unknown[];
  const check = async () => expect(Number((await read())[1] ?? 0)).toBe(count);
  await vi.waitFor(check, { timeout: 20_000, interval: 50 });
}

const signalChannels = async () => (await redis.command("PUBSUB", "CHANNELS", "holdfast:*:signals")) as string[];
const isLost = (process: ServerProcess, from: number) => process.output().slice(from).includes("Redis is away");
const isBack = (process: ServerProcess, from: number) => process.output().slice(from).includes("Redis is back");

async function startStreamedRun() {
  const client = SDK_LINES[0]!.connect(api.url);
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    streamMode: ["custom", "values"],
    config: { configurable: { steps: STEPS, step_ms: STEP_MS }, recursion_limit: STEPS + 10 },
  });
  const stream = `${api.url}/threads/${thread_id}/runs/${run.run_id}/stream`;
  const reader = await readStream(stream, { headers: { "last-event-id": "-1" } });
  await reader.waitForFrames(6);
  return { client, run, stream, reader };
}

/** No gap, no repeat, a clean end, the run a success, and the stream in step with the run. */
async function expectWhole({ client, run, stream, reader }: Awaited<ReturnType<typeof startStreamedRun>>) {
  await untilRun(client, run, "success");
  const endedAtMs = performance.now();
  expect(await reader.ended).toBe(true);
  expect(performance.now() - endedAtMs).toBeLessThan(DELAY_MAX_MS);
  const ids = (each: StreamReader) => each.frames.map(({ id }) => Number(id));
  expect(ids(reader)).toEqual(reader.frames.map((_, index) => index));
  const again = await readStream(stream, { headers: { "last-event-id": "-1" } });
  expect(await again.ended).toBe(true);
  expect(reader.frames).toEqual(again.frames);
  const { values } = await client.threads.getState<{ done: number }>(run.thread_id);
  expect(values.done).toBe(STEPS);
  const { rows } = await database.pool.query("select attempt from run where run_id = $1", [run.run_id]);
  expect(rows).toEqual([{ attempt: 1 }]);
}

testWithRedis(
  "carries the events of a run without faults",
  async () => {
    const before = Number(/total_commands_processed:(\d+)/.exec(String(await redis.command("INFO", "stats")))?.[1]);
    const started = await startStreamedRun();
    expect(await redis.command("PUBSUB", "CHANNELS", `holdfast:*:run:${started.run.run_id}`)).toHaveLength(1);
    await expectWhole(started);
    const after = Number(/total_commands_processed:(\d+)/.exec(String(await redis.command("INFO", "stats")))?.[1]);
    expect(after - before).toBeGreaterThan(STEPS);
  },
  60_000,
);

testWithRedis.each([
  { fault: "frozen (SIGSTOP) and thawed", begin: async () => redis.freeze(), finish: async () => redis.thaw() },
  {
    fault: "paused (CLIENT PAUSE ALL)",
    begin: () => redis.command("CLIENT", "PAUSE", String(PAUSE_MS), "ALL"),
    finish: async () => undefined,
  },
  { fault: "killed and started again", begin: () => redis.kill(), finish: () => redis.start() },
])(
  "$fault in the middle of a run",
  async ({ begin, finish }) => {
    const from = { api: api.output().length, worker: worker.output().length };
    const started = await startStreamedRun();
    const framesBefore = started.reader.frames.length;
    await begin();
    try {
      // The proof that the fault happened to both: each noticed it.
      await expect
        .poll(() => isLost(api, from.api) && isLost(worker, from.worker), { timeout: 20_000, interval: 20 })
        .toBe(true);
    } finally {
      await finish();
    }
    await expectWhole(started);
    expect(started.reader.frames.length).toBeGreaterThan(framesBefore);
    await expect
      .poll(() => isBack(api, from.api) && isBack(worker, from.worker), { timeout: 20_000, interval: 50 })
      .toBe(true);
    await untilUp(2);
  },
  90_000,
);

testWithRedis(
  "flushed, and every connection cut, in the middle of a run",
  async () => {
    await redis.command("SET", "witness", "1");
    const started = await startStreamedRun();
    await redis.command("FLUSHALL");
    expect(await redis.command("EXISTS", "witness")).toBe(0);
    const cut = Number(await redis.command("CLIENT", "KILL", "TYPE", "pubsub"));
    expect(cut).toBe(2);
    await expectWhole(started);
    await untilUp(2);
  },
  60_000,
);

testWithRedis(
  "away from the start: processes start, runs run, and Redis is used as soon as it is there",
  async () => {
    await redis.kill();
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    await using late = await startWorker({ env });
    expect(late.output()).toContain("Redis is away");
    const started = await startStreamedRun();
    await expectWhole(started);
    await redis.start();
    await untilUp(3);
  },
  90_000,
);
