// F8: thousands of open streams, a share of them dropping at random, and every API process restarted in the middle.
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckInput, ClientLog } from "../harness/check-input.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster } from "../harness/cluster.ts";
import { summarise } from "../harness/measure.ts";
import { followStream } from "../harness/stream-client.ts";
import { inParallel } from "./agent-runs.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { type Random, seededRandom } from "./random.ts";
import { waitUntilIdle } from "./steps-fault.ts";

const SESSIONS_PER_RUN = 50;
const TOKEN_COUNT = 40;
const TOKEN_INTERVAL_MS = 1_000;
/** Of all connections, those that break off by themselves. */
const DROP_SHARE = 0.3;
const API_COUNT = 2;
/** A session is two sockets at most for a moment, and the process needs some for itself. */
const OPEN_AT_ONCE = 200;

interface Counters {
  connections: number;
  drops: number;
  delaysMs: number[];
}

export const manySessions: Fault = {
  id: "F8",
  title: "thousands of SSE sessions, random drops, a rolling restart of the API in the middle",
  defaults: { runCount: 2_000, workerCount: 2 },
  run: openMany,
};

/** `runCount` is the number of sessions here. */
async function openMany(options: ChaosOptions): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  const random = seededRandom(options.seed);
  const runsCount = Math.ceil(options.runCount / SESSIONS_PER_RUN);
  await using cluster = await Cluster.start({
    databaseUrl: await options.server.createDatabase(),
    workerCount: options.workerCount,
    apiCount: API_COUNT,
    env: { HOLDFAST_SLOTS: String(Math.ceil(runsCount / options.workerCount) + 1) },
  });
  const counters: Counters = { connections: 0, drops: 0, delaysMs: [] };
  const logs: Promise<ClientLog>[] = [];
  const runIds: string[] = [];
  await inParallel(runsCount, 5, async (index) => {
    const run = await startRun(cluster.apiUrl(index));
    runIds.push(run.runId);
    const sessions = Math.min(SESSIONS_PER_RUN, options.runCount - index * SESSIONS_PER_RUN);
    for (let session = 0; session < sessions; session++) {
      logs.push(openSession(cluster, run, { random, counters, deadlineMs, session: logs.length }));
      if (logs.length % OPEN_AT_ONCE === 0) await sleep(20);
    }
  });
  options.log(`${logs.length} sessions on ${runIds.length} runs`);
  await sleep((TOKEN_COUNT * TOKEN_INTERVAL_MS) / 4);
  const restartCount = await restartApis(cluster, options.log);
  const clientLogs = await Promise.all(logs);
  await waitUntilIdle(cluster, deadlineMs);
  const input: CheckInput = {
    pool: cluster.pool,
    runIds,
    effects: [],
    clientLogs,
    acceptedMessages: new Map(),
    readUserMessages: async () => [],
  };
  const delays = summarise(counters.delaysMs);
  return {
    proofs: { drops: counters.drops, apiRestarts: restartCount, reconnects: counters.connections - logs.length },
    counts: {
      runs: runIds.length,
      sessions: logs.length,
      eventsReceived: clientLogs.reduce((sum, log) => sum + log.events.length, 0),
      tokenDelayP50Ms: delays.p50Ms,
      tokenDelayP99Ms: delays.p99Ms,
    },
    violations: await checkInvariants(input),
  };
}

async function startRun(apiUrl: string): Promise<{ threadId: string; runId: string }> {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${apiUrl}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const threadId = String((await post("/threads", {})).thread_id);
  const run = await post(`/threads/${threadId}/runs`, {
    assistant_id: "tokens",
    input: { count: TOKEN_COUNT, intervalMs: TOKEN_INTERVAL_MS },
    stream_mode: ["custom"],
    stream_resumable: true,
  });
  return { threadId, runId: String(run.run_id) };
}

function openSession(
  cluster: Cluster,
  run: { threadId: string; runId: string },
  context: { random: Random; counters: Counters; deadlineMs: number; session: number },
): Promise<ClientLog> {
  const { random, counters, deadlineMs, session } = context;
  let connection = 0;
  return followStream(
    () => cluster.apiUrl(session),
    run,
    deadlineMs,
    ({ data }) => {
      const { atMs } = JSON.parse(data) as { atMs?: number };
      if (atMs !== undefined) counters.delaysMs.push(Date.now() - atMs);
    },
    () => {
      counters.connections++;
      const own = ++connection;
      const breaking = new AbortController();
      if (random.next() > DROP_SHARE) return breaking.signal;
      const timer = setTimeout(
        () => {
          // A connection that has ended by itself is not dropped any more.
          if (own !== connection) return;
          counters.drops++;
          breaking.abort();
        },
        random.integer(100, (TOKEN_COUNT * TOKEN_INTERVAL_MS) / 2),
      );
      timer.unref();
      return breaking.signal;
    },
  );
}

/** One API after the other stops as in a deploy and comes back on its port. */
async function restartApis(cluster: Cluster, log: (line: string) => void): Promise<number> {
  for (const [index, { session, server }] of [...cluster.apis.entries()]) {
    const startedAtMs = Date.now();
    await server.kill("SIGTERM");
    const stoppedAtMs = Date.now();
    await cluster.startApi(index, server.port);
    log(
      `${session} stopped in ${stoppedAtMs - startedAtMs} ms, its successor was ready ${Date.now() - stoppedAtMs} ms later`,
    );
  }
  return cluster.apis.length;
}
