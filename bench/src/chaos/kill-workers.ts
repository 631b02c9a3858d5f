// F1: `kill -9` of a random worker again and again while runs of several steps are in flight.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import pg from "pg";
import { type ClientLog, checkInvariants, type Violation } from "../harness/checker.ts";
import { type ServerProcess, startProcess } from "../harness/server-process.ts";
import { startSink } from "../harness/sink.ts";
import { followStream } from "../harness/stream-client.ts";
import { seededRandom } from "./random.ts";

export interface KillWorkersOptions {
  databaseUrl: string;
  seed: number;
  runCount: number;
  stepCount: number;
  stepMs: number;
  workerCount: number;
  killIntervalMs: number;
  /** Everything must have ended by then. */
  durationMaxMs: number;
  log?: (line: string) => void;
}

export interface KillWorkersResult {
  seed: number;
  violations: Violation[];
  killCount: number;
  /** Runs that were claimed more than once: those a kill hit. */
  hitRunCount: number;
  /** From a kill to the next claim of each run it hit. */
  recoveriesMs: number[];
  repeatedEffectCount: number;
  durationMs: number;
}

export async function killWorkers(options: KillWorkersOptions): Promise<KillWorkersResult> {
  const random = seededRandom(options.seed);
  const startedAtMs = Date.now();
  const deadlineMs = startedAtMs + options.durationMaxMs;
  await using sink = await startSink();
  const env = { DATABASE_URL: options.databaseUrl, LOG_LEVEL: "warn", HOLDFAST_ATTEMPT_MAX: "100" };
  const api = await startProcess({ command: "api", env });
  const startWorker = () => startProcess({ command: "worker", env });
  const workers = await Promise.all(Array.from({ length: options.workerCount }, startWorker));
  const pool = new pg.Pool({ connectionString: options.databaseUrl, max: 4 });
  try {
    const { runs, logs, acceptedMessages } = await submit(api, sink.url, options, deadlineMs);
    const killer = killRandomly(workers, startWorker, options, random, deadlineMs);
    const clientLogs = await Promise.all(logs);
    const killedAtMs = await killer.stop();
    const client = new Client({ apiUrl: api.url });
    const violations = await checkInvariants({
      pool,
      runIds: runs.map((run) => run.runId),
      effects: sink.effects,
      clientLogs,
      acceptedMessages,
      readUserMessages: (threadId) => readUserMessages(client, threadId),
    });
    const { rows } = await pool.query<{ hit: number }>("select count(*)::int as hit from run where attempt > 1");
    const keys = new Set(sink.effects.map((effect) => effect.key));
    return {
      seed: options.seed,
      violations,
      killCount: killedAtMs.length,
      hitRunCount: rows[0]!.hit,
      recoveriesMs: [],
      repeatedEffectCount: sink.effects.length - keys.size,
      durationMs: Date.now() - startedAtMs,
    };
  } finally {
    await pool.end();
    await Promise.all([api, ...workers].map((server) => server.kill("SIGKILL")));
  }
}

async function submit(api: ServerProcess, sinkUrl: string, options: KillWorkersOptions, deadlineMs: number) {
  const client = new Client({ apiUrl: api.url });
  const acceptedMessages = new Map<string, string[]>();
  const runs: { threadId: string; runId: string }[] = [];
  const logs: Promise<ClientLog>[] = [];
  for (let index = 0; index < options.runCount; index++) {
    const { thread_id: threadId } = await client.threads.create();
    const content = `message ${index}`;
    const { run_id: runId } = await client.runs.create(threadId, "steps", {
      input: { messages: [{ role: "user", content }] },
      config: { configurable: { steps: options.stepCount, stepMs: options.stepMs, sinkUrl } },
      streamMode: ["custom", "updates"],
      streamResumable: true,
    });
    acceptedMessages.set(threadId, [content]);
    runs.push({ threadId, runId });
    logs.push(followStream(api.url, { threadId, runId }, deadlineMs));
  }
  return { runs, logs, acceptedMessages };
}

/** Kills one worker per interval and starts another in its place; changes `workers` as it goes. */
function killRandomly(
  workers: ServerProcess[],
  startWorker: () => Promise<ServerProcess>,
  options: KillWorkersOptions,
  random: ReturnType<typeof seededRandom>,
  deadlineMs: number,
) {
  const stopping = new AbortController();
  const killedAtMs: number[] = [];
  const killing = (async () => {
    while (Date.now() < deadlineMs) {
      await sleep(options.killIntervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const index = random.integer(0, workers.length - 1);
      await workers[index]!.kill("SIGKILL");
      killedAtMs.push(Date.now());
      options.log?.(`killed worker ${index} (pid ${workers[index]!.child.pid})`);
      workers[index] = await startWorker();
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await killing;
      return killedAtMs;
    },
  };
}

async function readUserMessages(client: Client, threadId: string): Promise<string[]> {
  const state = await client.threads.getState<{ messages: { type: string; content: string }[] }>(threadId);
  return (state.values.messages ?? []).filter((message) => message.type === "human").map((message) => message.content);
}
