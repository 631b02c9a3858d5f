// How soon work goes on after a sudden death: of one worker among several, and of a whole single-machine server.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../chaos/random.ts";
import { writeChart } from "../charts/write-chart.ts";
import { claimsAt, findRecoveries, readClaims } from "../harness/audit.ts";
import { Cluster } from "../harness/cluster.ts";
import { type Conditions, describeConditions, summariseConditions } from "../harness/conditions.ts";
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { type Latencies, summarise } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "./program-options.ts";
import { measureRestart, type RestartTimes } from "./restart.ts";

interface Row {
  measure: string;
  /** Its name in the chart, if it is shown there. */
  label?: string;
  latencies: Latencies;
}

/** No run may be given up because this program kills its workers more often than any machine would. */
const ATTEMPT_MAX = "100";
/** Longer than the program runs. */
const RUN_TOKENS = 100_000;
const RUNNING_WAIT_MAX_MS = 60_000;
/** DESIGN, "Speed": p99 from death to running again. */
const TARGET_MS = 10_000;

/** `--kills 50 --runs 8 --workers 2 --restarts 5 --seed 7` */
export async function recovery(options: ProgramOptions): Promise<void> {
  const plan = {
    kills: options.number("kills", 50),
    runs: options.number("runs", 8),
    workers: options.number("workers", 2),
    restarts: options.number("restarts", 5),
    seed: options.number("seed", 7),
  };
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const rows = await killWorkers(database, plan);
  for (const command of ["dev", "start"] as const) {
    const times: RestartTimes[] = [];
    for (let index = 0; index < plan.restarts; index++) {
      times.push(await measureRestart(command, await database.createDatabase()));
    }
    rows.push(
      {
        measure: `holdfast ${command} killed: restart to ready`,
        label: `${command}: ready`,
        latencies: summarise(times.map((t) => t.readyMs)),
      },
      {
        measure: `holdfast ${command} killed: restart to first resumed event`,
        label: `${command}: resumed`,
        latencies: summarise(times.map((t) => t.resumedMs)),
      },
      {
        measure: `holdfast ${command} killed: ready to first resumed event`,
        latencies: summarise(times.map((t) => t.resumedMs - t.readyMs)),
      },
    );
  }
  await keep(conditions, plan, rows);
}

/** Kills the worker that holds most runs, waits until all of them run elsewhere, again and again. */
async function killWorkers(
  database: DatabaseServer,
  plan: { kills: number; runs: number; workers: number; seed: number },
): Promise<Row[]> {
  const random = seededRandom(plan.seed);
  await using cluster = await Cluster.start({
    databaseUrl: await database.createDatabase(),
    workerCount: plan.workers,
    env: { HOLDFAST_ATTEMPT_MAX: ATTEMPT_MAX },
  });
  for (let run = 0; run < plan.runs; run++) await startLongRun(cluster.apiUrl());
  const deaths: { session: string; atMs: number }[] = [];
  for (let kill = 0; kill < plan.kills; kill++) {
    await untilRunning(cluster, plan.runs);
    await sleep(random.integer(1_000, 2_000));
    const claims = await readClaims(cluster.pool);
    const held = cluster.workers.map(({ session }) => claimsAt(claims, session, Date.now()).length);
    const index = held.indexOf(Math.max(...held));
    const { session, server } = cluster.workers[index]!;
    deaths.push({ session, atMs: Date.now() });
    await server.kill("SIGKILL");
    await untilRunning(cluster, plan.runs);
    await cluster.untilWorking(await cluster.startWorker(index));
  }
  const recoveries = findRecoveries(await readClaims(cluster.pool), deaths);
  return [
    {
      measure: "worker killed: death to noticed",
      label: "noticed",
      latencies: summarise(recoveries.map((each) => each.detectedMs)),
    },
    {
      measure: "worker killed: death to running elsewhere",
      label: "runs again",
      latencies: summarise(recoveries.map((each) => each.claimedMs)),
    },
  ];
}

async function startLongRun(url: string): Promise<void> {
  const response = await fetch(`${url}/threads/${randomUUID()}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "tokens",
      if_not_exists: "create",
      input: { count: RUN_TOKENS, intervalMs: 500 },
      stream_mode: ["custom"],
    }),
  });
  if (!response.ok) throw new Error(`a run was refused: ${response.status} ${await response.text()}`);
}

/** Waits until that many runs are held by workers that are alive. */
async function untilRunning(cluster: Cluster, count: number): Promise<void> {
  const deadlineMs = Date.now() + RUNNING_WAIT_MAX_MS;
  while (Date.now() < deadlineMs) {
    const alive = cluster.workers.filter(({ server }) => !server.hasExited()).map(({ session }) => session);
    const { rows } = await cluster.pool.query<{ count: number }>(
      `select count(*)::int as count from run r where status = 'running'
         and (select session from audit_run a where a.run_id = r.run_id order by id desc limit 1) = any ($1)`,
      [alive],
    );
    if (rows[0]!.count >= count) return;
    await sleep(50);
  }
  throw new Error(`${count} runs were not running within ${RUNNING_WAIT_MAX_MS} ms`);
}

async function keep(conditions: Conditions, plan: object, rows: Row[]): Promise<void> {
  const table = rows.map(({ measure, latencies }) => ({
    measure,
    samples: latencies.count,
    "p50 ms": Math.round(latencies.p50Ms),
    "p99 ms": Math.round(latencies.p99Ms),
  }));
  printTable("recovery after SIGKILL", table);
  await writeResult("recovery", { ...conditions, plan, table, rows });
  const shown = rows.filter((row): row is Row & { label: string } => row.label !== undefined);
  await writeChart("recovery", {
    title: `Recovery after SIGKILL (target: p99 ${TARGET_MS / 1000} s)`,
    subtitle: summariseConditions(conditions),
    panels: [
      {
        kind: "bars",
        title: "Until the runs are running again (less is better)",
        yLabel: "ms",
        groups: shown.map(({ label }) => label),
        series: [
          { name: "median", values: shown.map(({ latencies }) => latencies.p50Ms) },
          { name: "p99", values: shown.map(({ latencies }) => latencies.p99Ms) },
        ],
      },
    ],
  });
}
