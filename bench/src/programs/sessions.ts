// Many open SSE sessions on one API process, each receiving a token a second from runs that a worker process executes.
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeChart } from "../charts/write-chart.ts";
import { type Conditions, describeConditions, summariseConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { round, runClients } from "../harness/measure.ts";
import { readCpuMs, readRssBytes } from "../harness/process-usage.ts";
import { printTable, writeResult } from "../harness/result.ts";
import { type ServerProcess, startProcess } from "../harness/server-process.ts";
import type { ProgramOptions } from "./program-options.ts";
import type { FromClients, SessionsReport, ToClients } from "./session-clients.ts";

interface Plan {
  sessions: number;
  /** Sessions are spread over the runs; with as many runs as sessions each has its own. */
  runs: number;
  seconds: number;
  clientProcesses: number;
  /** Until the tokens begin: time to create the runs and open the sessions. */
  rampSeconds: number;
}

/** Time that the creation of a run and the opening of a session may take before the tokens begin. */
const RAMP_MS = 15_000;
const RAMP_PER_RUN_MS = 6;
const RAMP_PER_SESSION_MS = 8;
/** After the last token is due. */
const GRACE_MS = 60_000;
const CREATING_MAX = 32;
/** DESIGN, "Speed". */
const TARGET_P99_MS = 500;

/** `--sessions 10000 --runs 10000 --seconds 30 --client-processes 2 --ramp-seconds 155` */
export async function sessions(options: ProgramOptions): Promise<void> {
  const count = options.number("sessions", 10_000);
  const runs = options.number("runs", count);
  const rampMs = RAMP_MS + runs * RAMP_PER_RUN_MS + count * RAMP_PER_SESSION_MS;
  const plan: Plan = {
    sessions: count,
    runs,
    rampSeconds: options.number("ramp-seconds", Math.round(rampMs / 1000)),
    seconds: options.number("seconds", 30),
    clientProcesses: options.number("client-processes", 2),
  };
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const env = {
    DATABASE_URL: await database.createDatabase(),
    LOG_LEVEL: "error",
    NODE_ENV: "production",
    HOLDFAST_SLOTS: String(plan.runs),
    HOLDFAST_QUEUE_DEPTH_MAX: String(plan.runs * 2),
  };
  const api = await startProcess({ command: "api", env });
  const worker = await startProcess({ command: "worker", env });
  const clients: ChildProcess[] = [];
  try {
    const measured = await measure(plan, api, worker, clients);
    await keep(conditions, plan, measured);
  } finally {
    for (const client of clients) client.kill("SIGKILL");
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
  }
}

interface Measured {
  report: SessionsReport;
  rssIdleBytes: number;
  rssOpenBytes: number;
  rssMaxBytes: number;
  heapIdleBytes: number;
  heapOpenBytes: number;
  /** Share of one core while tokens flowed. */
  apiCpuShare: number;
  workerCpuShare: number;
}

async function measure(plan: Plan, api: ServerProcess, worker: ServerProcess, clients: ChildProcess[]) {
  const startAtMs = Date.now() + plan.rampSeconds * 1000;
  console.log(`  tokens begin in ${plan.rampSeconds} s`);
  const runs = await createRuns(api.url, plan, startAtMs);
  console.log(`  ${runs.length} runs created, ${Math.round((startAtMs - Date.now()) / 1000)} s left`);
  await sleep(2_000);
  const [rssIdleBytes, heapIdleBytes] = [await readRssBytes(api.child.pid!), await readHeapBytes(api.url)];
  const followers = Array.from({ length: plan.sessions }, (_, index) => runs[index % runs.length]!);
  const reports = await openSessions(plan, api.url, followers, startAtMs, clients);
  if (Date.now() > startAtMs) throw new Error("opening the sessions took longer than --ramp-seconds; give more");
  console.log(`  ${plan.sessions} sessions open, ${Math.round((startAtMs - Date.now()) / 1000)} s left`);
  const [rssOpenBytes, heapOpenBytes] = [await readRssBytes(api.child.pid!), await readHeapBytes(api.url)];
  await sleep(Math.max(0, startAtMs - Date.now()));
  for (const client of clients) client.send({ kind: "measure" } satisfies ToClients);
  const cpuBefore = { api: await readCpuMs(api.child.pid!), worker: await readCpuMs(worker.child.pid!) };
  let rssMaxBytes = rssOpenBytes;
  const flowMs = plan.seconds * 1000;
  while (Date.now() < startAtMs + flowMs) {
    await sleep(1_000);
    rssMaxBytes = Math.max(rssMaxBytes, await readRssBytes(api.child.pid!));
  }
  const apiCpuShare = round(((await readCpuMs(api.child.pid!)) - cpuBefore.api) / flowMs);
  const workerCpuShare = round(((await readCpuMs(worker.child.pid!)) - cpuBefore.worker) / flowMs);
  const report = mergeReports(await reports());
  return { report, rssIdleBytes, rssOpenBytes, rssMaxBytes, heapIdleBytes, heapOpenBytes, apiCpuShare, workerCpuShare };
}

/** Every run waits for the common start; their seconds are spread, so that tokens come evenly. */
async function createRuns(url: string, plan: Plan, startAtMs: number) {
  const runs: { threadId: string; runId: string }[] = [];
  await runClients(CREATING_MAX, plan.runs, async (index) => {
    const threadId = randomUUID();
    const response = await fetch(`${url}/threads/${threadId}/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        assistant_id: "tokens",
        if_not_exists: "create",
        stream_mode: ["custom"],
        input: { count: plan.seconds, intervalMs: 1_000, startAtMs: startAtMs + (index * 1_000) / plan.runs },
      }),
    });
    if (!response.ok) throw new Error(`a run was refused: ${response.status} ${await response.text()}`);
    runs.push({ threadId, runId: ((await response.json()) as { run_id: string }).run_id });
  });
  return runs;
}

/** Splits the sessions over the client processes; the returned function waits for their reports. */
async function openSessions(
  plan: Plan,
  url: string,
  followers: { threadId: string; runId: string }[],
  startAtMs: number,
  clients: ChildProcess[],
): Promise<() => Promise<SessionsReport[]>> {
  const script = fileURLToPath(new URL("./session-clients.js", import.meta.url));
  const deadlineMs = startAtMs + plan.seconds * 1000 + GRACE_MS;
  const reports: Promise<SessionsReport>[] = [];
  const opened: Promise<void>[] = [];
  for (let index = 0; index < plan.clientProcesses; index++) {
    const client = fork(script);
    clients.push(client);
    opened.push(
      new Promise((resolve) => client.on("message", (message: FromClients) => message.kind === "opened" && resolve())),
    );
    reports.push(
      new Promise((resolve, reject) => {
        client.on("message", (message: FromClients) => message.kind === "report" && resolve(message.report));
        client.once("exit", () => reject(new Error("a client process ended before its report")));
      }),
    );
    const own = followers.filter((_, place) => place % plan.clientProcesses === index);
    const order = { url, sessions: own, tokensPerRun: plan.seconds, deadlineMs };
    client.send({ kind: "open", order } satisfies ToClients);
  }
  await Promise.all(opened);
  return () => Promise.all(reports);
}

function mergeReports(reports: SessionsReport[]): SessionsReport {
  return reports.reduce((sum, each) => ({
    received: sum.received + each.received,
    lost: sum.lost + each.lost,
    repeated: sum.repeated + each.repeated,
    reconnects: sum.reconnects + each.reconnects,
    delays: sum.delays.map((count, delayMs) => count + each.delays[delayMs]!),
  }));
}

/** The delay that a share of the tokens did not exceed. */
function delayAt(delays: number[], share: number): number {
  let left = delays.reduce((sum, count) => sum + count, 0) * share;
  return delays.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
}

async function readHeapBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_heap_size_used_bytes(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1] ?? Number.NaN);
}

async function keep(conditions: Conditions, plan: Plan, measured: Measured): Promise<void> {
  const { report } = measured;
  const perSession = (bytes: number) => round(bytes / plan.sessions / 1000);
  const percentiles = {
    p50: delayAt(report.delays, 0.5),
    p90: delayAt(report.delays, 0.9),
    p99: delayAt(report.delays, 0.99),
  };
  const row = {
    sessions: plan.sessions,
    runs: plan.runs,
    "tokens received": report.received,
    lost: report.lost,
    repeated: report.repeated,
    reconnects: report.reconnects,
    "delay p50 ms": percentiles.p50,
    "p90 ms": percentiles.p90,
    "p99 ms": percentiles.p99,
    "RSS kB each, open": perSession(measured.rssOpenBytes - measured.rssIdleBytes),
    "RSS kB each, most": perSession(measured.rssMaxBytes - measured.rssIdleBytes),
    "heap kB each": perSession(measured.heapOpenBytes - measured.heapIdleBytes),
    "API cores": measured.apiCpuShare,
    "worker cores": measured.workerCpuShare,
  };
  const name = plan.runs === plan.sessions ? "sessions" : "sessions-shared";
  printTable(`${plan.sessions} open SSE sessions, a token a second each, for ${plan.seconds} s`, [row]);
  const { delays, ...counts } = report;
  const { report: _, ...usage } = measured;
  await writeResult(name, { ...conditions, plan, table: [row], counts, usage, delaysMs: compress(delays) });
  await writeChart(name, {
    title: `${plan.sessions.toLocaleString("en-US")} open SSE sessions following ${plan.runs.toLocaleString("en-US")} runs, one token a second each: ${report.lost} lost`,
    subtitle: summariseConditions(conditions),
    panels: [
      {
        kind: "bars",
        title: "Delay from the graph to the client",
        yLabel: "ms",
        groups: Object.keys(percentiles),
        target: { y: TARGET_P99_MS, label: `target p99 ${TARGET_P99_MS} ms` },
        series: [{ name: "delay", values: Object.values(percentiles) }],
      },
      {
        kind: "bars",
        title: "Memory of the API process for a session",
        yLabel: "kB",
        groups: ["resident, open", "resident, most", "heap"],
        target: { y: 60, label: "target 60 kB" },
        series: [
          {
            name: "memory",
            values: [row["RSS kB each, open"], row["RSS kB each, most"], row["heap kB each"]].map((kB) =>
              Math.max(0, kB),
            ),
          },
        ],
      },
    ],
  });
}

/** Only delays that occurred. */
function compress(delays: number[]): [number, number][] {
  return delays.flatMap((count, delayMs) => (count === 0 ? [] : [[delayMs, count] as [number, number]]));
}
