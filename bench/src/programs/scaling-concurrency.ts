// Connections and memory of an API and a worker process while many runs sit in slow nodes.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import { openUsagePool } from "../harness/database-usage.ts";
import { readRssBytes } from "../harness/process-usage.ts";
import { startProcess } from "../harness/server-process.ts";

const STEP_MS = 600_000;
const CREATORS = 20;
const CLAIMED_MAX_MS = 240_000;
const SAMPLE_COUNT = 100;
const SAMPLE_PAUSE_MS = 50;
const MEBIBYTE = 1024 * 1024;

export async function measureConcurrency(databaseUrl: string, slots: number, poolMax: number) {
  const env = {
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: "error",
    NODE_ENV: "production",
    HOLDFAST_SLOTS: String(slots),
    HOLDFAST_DATABASE_POOL_MAX: String(poolMax),
  };
  const api = await startProcess({ command: "api", env });
  const worker = await startProcess({ command: "worker", env });
  const pool = openUsagePool(databaseUrl);
  try {
    // The first run shows that the worker has loaded everything.
    await new Client({ apiUrl: api.url }).runs.wait(null, "instant", { input: { messages: "hello" } });
    const emptyMiB = await readMiB(worker.child.pid!);
    await createRuns(api.url, slots);
    await untilRunning(pool, slots);
    let connectionsMax = 0;
    let idleInTransactionMax = 0;
    for (let index = 0; index < SAMPLE_COUNT; index++, await sleep(SAMPLE_PAUSE_MS)) {
      const { rows } = await pool.query<{ connections: number; waiting: number }>(
        `select count(*)::int as connections, count(*) filter (where state like 'idle in transaction%')::int as waiting
         from pg_stat_activity where datname = current_database() and application_name <> 'usage'`,
      );
      connectionsMax = Math.max(connectionsMax, rows[0]!.connections);
      idleInTransactionMax = Math.max(idleInTransactionMax, rows[0]!.waiting);
    }
    const fullMiB = await readMiB(worker.child.pid!);
    return {
      "runs at once": slots,
      "pool max": poolMax,
      "connections at most": connectionsMax,
      "idle in transaction at most": idleInTransactionMax,
      "worker MiB empty": emptyMiB,
      "worker MiB full": fullMiB,
      "KiB a run": Math.round(((fullMiB - emptyMiB) * 1024) / slots),
    };
  } finally {
    await pool.end();
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
  }
}

async function readMiB(pid: number): Promise<number> {
  return Math.round((await readRssBytes(pid)) / MEBIBYTE);
}

async function createRuns(apiUrl: string, count: number): Promise<void> {
  const client = new Client({ apiUrl });
  let next = 0;
  const create = async () => {
    while (next++ < count) {
      await client.runs.create(null, "steps", { input: {}, config: { configurable: { steps: 1, stepMs: STEP_MS } } });
    }
  };
  await Promise.all(Array.from({ length: CREATORS }, create));
}

async function untilRunning(pool: ReturnType<typeof openUsagePool>, count: number): Promise<void> {
  for (const deadlineMs = Date.now() + CLAIMED_MAX_MS; ; await sleep(200)) {
    const { rows } = await pool.query("select count(*)::int as count from run where status = 'running'");
    if (rows[0].count >= count) return;
    if (Date.now() > deadlineMs) throw new Error(`only ${rows[0].count} of ${count} runs are running`);
  }
}
