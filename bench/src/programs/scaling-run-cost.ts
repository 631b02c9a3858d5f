// Statements, processor time and bytes that one run costs PostgreSQL.
import { randomUUID } from "node:crypto";
import { openUsagePool, readDatabaseUsage, readTableBytes } from "../harness/database-usage.ts";
import { round, runClients } from "../harness/measure.ts";
import { startProcess } from "../harness/server-process.ts";

const WARM_UP_RUNS = 100;
const RUNS = 600;
/** No poll falls into the measurement. */
const POLL_INTERVAL_MS = 600_000;

export async function measureRunCost(databaseUrl: string, clients: number) {
  const env = {
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: "error",
    NODE_ENV: "production",
    HOLDFAST_SLOTS: "50",
    HOLDFAST_POLL_INTERVAL_MS: String(POLL_INTERVAL_MS),
  };
  const api = await startProcess({ command: "api", env });
  const worker = await startProcess({ command: "worker", env });
  const pool = openUsagePool(databaseUrl);
  try {
    await runClients(clients, WARM_UP_RUNS, () => runOnce(api.url));
    const idle = await measureIdle(pool);
    const before = await readDatabaseUsage(pool);
    const startedAtMs = performance.now();
    const { perSecond } = await runClients(clients, RUNS, () => runOnce(api.url));
    const seconds = (performance.now() - startedAtMs) / 1000;
    const after = await readDatabaseUsage(pool);
    const all = RUNS + WARM_UP_RUNS;
    const bytes = async (table: string) => Math.round((await readTableBytes(pool, table)) / all);
    return {
      clients,
      "runs/s": perSecond,
      "statements a run": round((after.commits - before.commits - idle * (seconds + 2)) / RUNS),
      "PostgreSQL CPU ms a run": round((after.cpuMs - before.cpuMs) / RUNS),
      connections: after.connections,
      "run bytes": await bytes("run"),
      "event bytes": await bytes("run_event"),
      "checkpoint bytes": (await bytes("checkpoint")) + (await bytes("checkpoint_item")),
    };
  } finally {
    await pool.end();
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
  }
}

/** Statements a second while nothing happens: sweeps and this program's own. */
async function measureIdle(pool: ReturnType<typeof openUsagePool>): Promise<number> {
  const before = await readDatabaseUsage(pool);
  const startedAtMs = performance.now();
  const after = await readDatabaseUsage(pool);
  return (after.commits - before.commits) / ((performance.now() - startedAtMs) / 1000);
}

async function runOnce(apiUrl: string): Promise<void> {
  const response = await fetch(`${apiUrl}/threads/${randomUUID()}/runs/wait`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "instant",
      if_not_exists: "create",
      input: { messages: [{ role: "user", content: "What is the time where my colleague lives?" }] },
    }),
  });
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  await response.json();
}
