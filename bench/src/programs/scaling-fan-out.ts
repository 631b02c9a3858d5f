// Streams that cross from a worker to an API process: delay, and whose processor time they cost, with either bus.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import { openUsagePool, readDatabaseUsage, readTableBytes } from "../harness/database-usage.ts";
import { round, summarise } from "../harness/measure.ts";
import { readCpuMs } from "../harness/process-usage.ts";
import { startRedis } from "../harness/redis.ts";
import { startProcess } from "../harness/server-process.ts";
import { followStream } from "../harness/stream-client.ts";

export interface FanOutLoad {
  streamCount: number;
  tokenCount: number;
  intervalMs: number;
}

const FOLLOW_MAX_MS = 120_000;
/** Time for both processes to find Redis. */
const SETTLE_MS = 1_500;

export async function measureFanOut(databaseUrl: string, bus: "PostgreSQL" | "Redis", load: FanOutLoad) {
  await using redis = bus === "Redis" ? await startRedis() : undefined;
  const env = {
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: "error",
    NODE_ENV: "production",
    HOLDFAST_SLOTS: String(load.streamCount),
    ...(redis === undefined ? {} : { REDIS_URL: redis.url }),
  };
  const api = await startProcess({ command: "api", env });
  const worker = await startProcess({ command: "worker", env });
  const pool = openUsagePool(databaseUrl);
  try {
    await sleep(SETTLE_MS);
    await streamAll(api.url, { streamCount: 5, tokenCount: 5, intervalMs: 5 });
    const readCpu = async () => ({
      api: await readCpuMs(api.child.pid!),
      worker: await readCpuMs(worker.child.pid!),
      redis: redis === undefined ? 0 : await readCpuMs(redis.pid()),
    });
    const [usage, cpu] = [await readDatabaseUsage(pool), await readCpu()];
    const { delaysMs, eventCount, gapCount } = await streamAll(api.url, load);
    const [usageAfter, cpuAfter] = [await readDatabaseUsage(pool), await readCpu()];
    const { p50Ms, p99Ms } = summarise(delaysMs);
    const perThousand = (value: number) => round((value * 1000) / eventCount);
    return {
      bus,
      tokens: delaysMs.length,
      gaps: gapCount,
      "p50 ms": p50Ms,
      "p99 ms": p99Ms,
      statements: usageAfter.commits - usage.commits,
      "PostgreSQL CPU ms/1000": perThousand(usageAfter.cpuMs - usage.cpuMs),
      "API CPU ms/1000": perThousand(cpuAfter.api - cpu.api),
      "worker CPU ms/1000": perThousand(cpuAfter.worker - cpu.worker),
      "Redis CPU ms/1000": perThousand(cpuAfter.redis - cpu.redis),
      "bytes an event": Math.round((await readTableBytes(pool, "run_event")) / (eventCount + 5 * 7)),
    };
  } finally {
    await pool.end();
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
  }
}

async function streamAll(apiUrl: string, { streamCount, tokenCount, intervalMs }: FanOutLoad) {
  const client = new Client({ apiUrl });
  const delaysMs: number[] = [];
  let eventCount = 0;
  let gapCount = 0;
  const follow = async () => {
    const { thread_id: threadId } = await client.threads.create();
    const { run_id: runId } = await client.runs.create(threadId, "tokens", {
      input: { count: tokenCount, intervalMs },
      streamMode: ["custom"],
      streamResumable: true,
    });
    const log = await followStream(apiUrl, { threadId, runId }, Date.now() + FOLLOW_MAX_MS, ({ data }) => {
      const { atMs } = JSON.parse(data) as { atMs?: number };
      if (atMs !== undefined) delaysMs.push(Date.now() - atMs);
    });
    eventCount += log.events.length;
    gapCount += log.events.filter(({ id }, index) => Number(id) !== index).length;
  };
  await Promise.all(Array.from({ length: streamCount }, follow));
  return { delaysMs, eventCount, gapCount };
}
