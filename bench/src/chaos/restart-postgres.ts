// F3: PostgreSQL is restarted again and again under load, by turns fast (clients are thrown out) and immediate (as in a crash).
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmbeddedPostgres } from "@holdfast/server";
import pg from "pg";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { type InjectionContext, type InjectionReport, runStepsFault, untilNextFault } from "./steps-fault.ts";

const RESTART_MAX_MS = 60_000;
const POLL_MS = 20;

export const restartPostgres: Fault = {
  id: "F3",
  title: "PostgreSQL restarted every 5-10 s, fast and immediate by turns",
  defaults: { runCount: 1_000, clientCount: 40, faultIntervalMinMs: 5_000, faultIntervalMaxMs: 10_000, stepMs: 300 },
  run: restartUnderLoad,
};

/** On a server of its own, which its launcher in this process brings back whenever it goes. */
async function restartUnderLoad(options: ChaosOptions): Promise<ChaosResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "holdfast-chaos-db-"));
  const embedded = await startEmbeddedPostgres({ dataDir, log: () => undefined });
  try {
    return await runStepsFault(
      { inject: (context) => restartRepeatedly(context, embedded.url) },
      options,
      embedded.url,
    );
  } finally {
    await embedded.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function restartRepeatedly(context: InjectionContext, url: string): Promise<InjectionReport> {
  const { options } = context;
  const counts = { fastRestarts: 0, immediateRestarts: 0 };
  let inFlightCount = 0;
  let awayMs = 0;
  const pidFile = join(await readSetting(url, "data_directory"), "postmaster.pid");
  for (let turn = 0; await untilNextFault(context); turn++) {
    const isFast = turn % 2 === 0;
    inFlightCount += await countRunning(url);
    const pid = await readPid(pidFile);
    const wentAtMs = Date.now();
    process.kill(pid, isFast ? "SIGINT" : "SIGQUIT");
    await waitForAnother(url, pidFile, pid);
    awayMs += Date.now() - wentAtMs;
    counts[isFast ? "fastRestarts" : "immediateRestarts"]++;
    options.log(`restarted PostgreSQL (${isFast ? "fast" : "immediate"}), away for ${Date.now() - wentAtMs} ms`);
  }
  return {
    proofs: { restarts: counts.fastRestarts + counts.immediateRestarts, runsInFlightThen: inFlightCount },
    counts: { ...counts, awayMs },
  };
}

async function readPid(pidFile: string): Promise<number> {
  return Number((await readFile(pidFile, "utf8")).split("\n")[0]);
}

/** Waits until another postmaster answers. */
async function waitForAnother(url: string, pidFile: string, oldPid: number): Promise<void> {
  const deadlineMs = Date.now() + RESTART_MAX_MS;
  while (Date.now() < deadlineMs) {
    const pid = await readPid(pidFile).catch(() => oldPid);
    if (pid !== oldPid && (await isAnswering(url))) return;
    await sleep(POLL_MS);
  }
  throw new Error(`PostgreSQL did not come back within ${RESTART_MAX_MS} ms`);
}

function isAnswering(url: string): Promise<boolean> {
  return countRunning(url).then(
    () => true,
    () => false,
  );
}

async function countRunning(url: string): Promise<number> {
  const [row] = await query<{ count: number }>(url, "select count(*)::int as count from run where status = 'running'");
  return row!.count;
}

async function readSetting(url: string, name: string): Promise<string> {
  const [row] = await query<{ value: string }>(url, `select current_setting('${name}') as value`);
  return row!.value;
}

async function query<Row>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows as Row[];
  } finally {
    await client.end().catch(() => undefined);
  }
}
