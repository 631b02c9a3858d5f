// Kills a whole server, its workers included, while a run streams; starts it again and follows the stream to its next event.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { BENCH_PROJECT_FILE, findFreePort, HOLDFAST_BIN } from "../harness/server-process.ts";
import { followStream } from "../harness/stream-client.ts";

/** Both from the moment the process is started again. */
export interface RestartTimes {
  readyMs: number;
  /** Until a client has an event in hand that the run wrote after the restart. */
  resumedMs: number;
}

const EVENTS_BEFORE_KILL = 5;
const WAIT_MAX_MS = 60_000;

/** @param databaseUrl a database of its own */
export async function measureRestart(command: "dev" | "start", databaseUrl: string): Promise<RestartTimes> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  let group = startGroup(command, port, databaseUrl);
  try {
    await untilReady(url);
    const run = await startRun(url);
    let isKilled = false;
    let onResumed: () => void = () => undefined;
    const resumed = new Promise<void>((resolve) => {
      onResumed = resolve;
    });
    let startedAgainAtMs = Number.POSITIVE_INFINITY;
    let count = 0;
    const following = followStream(url, run, Date.now() + WAIT_MAX_MS, ({ event, data }) => {
      count += 1;
      const { atMs } = event === "custom" ? (JSON.parse(data) as { atMs: number }) : { atMs: 0 };
      if (isKilled && atMs > startedAgainAtMs) onResumed();
    });
    while (count < EVENTS_BEFORE_KILL) await sleep(20);
    await killGroup(group);
    isKilled = true;
    startedAgainAtMs = Date.now();
    group = startGroup(command, port, databaseUrl);
    await untilReady(url);
    const readyMs = Date.now() - startedAgainAtMs;
    await resumed;
    const resumedMs = Date.now() - startedAgainAtMs;
    await fetch(`${url}/threads/${run.threadId}/runs/${run.runId}/cancel?wait=true`, { method: "POST" });
    await following;
    return { readyMs, resumedMs };
  } finally {
    await killGroup(group);
  }
}

/** A process group of its own, so that one signal kills API and workers alike. */
function startGroup(command: "dev" | "start", port: number, databaseUrl: string): ChildProcess {
  return spawn(process.execPath, [HOLDFAST_BIN, command], {
    detached: true,
    env: {
      ...process.env,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      HOLDFAST_CONFIG: BENCH_PROJECT_FILE,
      HOLDFAST_WORKERS: "1",
      LOG_LEVEL: "fatal",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
}

async function killGroup(group: ChildProcess): Promise<void> {
  if (group.exitCode !== null || group.signalCode !== null) return;
  const exited = new Promise((resolve) => group.once("exit", resolve));
  process.kill(-group.pid!, "SIGKILL");
  await exited;
}

async function untilReady(url: string): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MAX_MS;
  while (Date.now() < deadlineMs) {
    const isReady = await fetch(`${url}/ok`).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await sleep(20);
  }
  throw new Error("the server was not ready in time");
}

async function startRun(url: string): Promise<{ threadId: string; runId: string }> {
  const threadId = randomUUID();
  const response = await fetch(`${url}/threads/${threadId}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "tokens",
      if_not_exists: "create",
      input: { count: 10_000, intervalMs: 100 },
      stream_mode: ["custom"],
    }),
  });
  const { run_id: runId } = (await response.json()) as { run_id: string };
  return { threadId, runId };
}
