// How soon a queued run starts: API and worker in two processes, an idle system, one run at a time.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { writeChart } from "../charts/write-chart.ts";
import { describeConditions, summariseConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { type Latencies, summarise } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";
import { startProcess } from "../harness/server-process.ts";
import type { ProgramOptions } from "./program-options.ts";

interface PickupTimes {
  /** Database clock: from the run's row to its claim. */
  queuedMs: number;
  /** Client's clock: from the acknowledgement to the first line of the graph, which the graph says itself. */
  runningMs: number;
  /** Client's clock: how long the acknowledgement took. */
  acknowledgedMs: number;
  /** Client's clock: from the request to the first event of the graph in the client's hands. */
  firstEventMs: number;
}

const MEASURES: Record<keyof PickupTimes, string> = {
  queuedMs: "row created to claimed (database clock)",
  runningMs: "acknowledged to graph running",
  acknowledgedMs: "request to acknowledged",
  firstEventMs: "request to first token at the client",
};
const WARM_UP_COUNT = 50;
/** DESIGN, "Speed": pick-up p95. */
const TARGET_MS = 10;

/** `--runs 300 --pause-ms 100`: the pause between runs lets the system fall idle. */
export async function pickup(options: ProgramOptions): Promise<void> {
  const runCount = options.number("runs", 300);
  const pauseMs = options.number("pause-ms", 100);
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const env = { DATABASE_URL: await database.createDatabase(), LOG_LEVEL: "error", NODE_ENV: "production" };
  const api = await startProcess({ command: "api", env });
  const worker = await startProcess({ command: "worker", env });
  const pool = new pg.Pool({ connectionString: env.DATABASE_URL, max: 1 });
  const times: PickupTimes[] = [];
  try {
    for (let index = 0; index < WARM_UP_COUNT; index++) await measureOne(api.url, pool);
    for (let index = 0; index < runCount; index++) {
      await sleep(pauseMs * (0.5 + (index % 10) / 10));
      times.push(await measureOne(api.url, pool));
    }
  } finally {
    await pool.end();
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
  }
  const summaries = Object.entries(MEASURES).map(([key, measure]) => ({
    measure,
    latencies: summarise(times.map((each) => each[key as keyof PickupTimes])),
  }));
  printTable(`pick-up of a queued run, API and worker in two processes, ${runCount} runs`, summaries.map(toRow));
  await writeResult("pickup", { ...conditions, runCount, pauseMs, table: summaries.map(toRow), times });
  await writeChart("pickup", {
    title: "Pick-up of a queued run, API and worker in two processes",
    subtitle: summariseConditions(conditions),
    panels: [
      {
        kind: "bars",
        title: "From acknowledged to running",
        yLabel: "ms",
        groups: ["p50", "p95", "p99"],
        target: { y: TARGET_MS, label: `target p95 ${TARGET_MS} ms` },
        series: summaries.slice(0, 2).map(({ measure, latencies }) => ({
          name: measure,
          values: [latencies.p50Ms, latencies.p95Ms, latencies.p99Ms],
        })),
      },
    ],
  });
}

function toRow({ measure, latencies }: { measure: string; latencies: Latencies }) {
  const { p50Ms, p95Ms, p99Ms } = latencies;
  return { measure, "p50 ms": p50Ms, "p95 ms": p95Ms, "p99 ms": p99Ms };
}

/** Creates a run in the background, follows it to its first token and reads its row. */
async function measureOne(url: string, pool: pg.Pool): Promise<PickupTimes> {
  const threadId = randomUUID();
  const startedAtMs = epochMs();
  const created = await fetch(`${url}/threads/${threadId}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "tokens",
      if_not_exists: "create",
      input: { count: 1, intervalMs: 0 },
      stream_mode: ["custom"],
    }),
  });
  const { run_id: runId } = (await created.json()) as { run_id: string };
  const acknowledgedAtMs = epochMs();
  const stream = await fetch(`${url}/threads/${threadId}/runs/${runId}/stream`, { headers: { "last-event-id": "-1" } });
  let text = "";
  let firstEventAtMs = 0;
  const decoder = new TextDecoder();
  for await (const chunk of stream.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (firstEventAtMs === 0 && text.includes('"enteredAtMs"')) firstEventAtMs = epochMs();
  }
  const enteredAtMs = Number(/"enteredAtMs":([\d.]+)/.exec(text)?.[1]);
  const { rows } = await pool.query<{ queued_ms: number }>(
    "select extract(epoch from started_at - created_at)::float8 * 1000 as queued_ms from run where run_id = $1",
    [runId],
  );
  return {
    queuedMs: rows[0]!.queued_ms,
    runningMs: enteredAtMs - acknowledgedAtMs,
    acknowledgedMs: acknowledgedAtMs - startedAtMs,
    firstEventMs: firstEventAtMs - startedAtMs,
  };
}

/** Milliseconds since the epoch with fractions; client and worker run on one machine, so their clocks agree. */
function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
