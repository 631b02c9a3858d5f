// Faults that strike while conversations of many steps are under way: same load, same checks, another injection.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import { type Claim, claimsAt, findRecoveries, readClaims } from "../harness/audit.ts";
import type { CheckInput, Violation } from "../harness/check-input.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster, type ClusterOptions, type NamedProcess } from "../harness/cluster.ts";
import { summarise } from "../harness/measure.ts";
import { type Effect, startSink } from "../harness/sink.ts";
import { runStepsLoad } from "../harness/steps-workload.ts";
import type { ChaosOptions, ChaosResult } from "./fault.ts";
import { type Random, seededRandom } from "./random.ts";

export interface InjectionContext {
  cluster: Cluster;
  options: ChaosOptions;
  random: Random;
  /** Aborted when the load is done. */
  signal: AbortSignal;
}

/** What an injection leaves behind. */
export interface InjectionReport {
  proofs: Record<string, number>;
  counts?: Record<string, number>;
  /** Processes that died suddenly. */
  deaths?: { session: string; atMs: number }[];
  staleSenders?: Set<string>;
}

export interface StepsFault {
  cluster?: Partial<ClusterOptions>;
  /** How clients reach the API. @default straight */
  apiUrl?: (cluster: Cluster) => string;
  check?: Partial<CheckInput>;
  /** @default 2 */
  turnsPerThread?: number;
  /** Checks that only this fault can make. */
  checkMore?: (cluster: Cluster, effects: Effect[]) => Promise<Violation[]>;
  /** Injects until the signal is aborted. */
  inject(context: InjectionContext): Promise<InjectionReport>;
}

const TURNS_PER_THREAD = 2;

export async function runStepsFault(
  fault: StepsFault,
  options: ChaosOptions,
  databaseUrl?: string,
): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  const random = seededRandom(options.seed);
  await using sink = await startSink();
  await using cluster = await Cluster.start({
    databaseUrl: databaseUrl ?? (await options.server.createDatabase()),
    workerCount: options.workerCount,
    ...fault.cluster,
  });
  const stopping = new AbortController();
  const injecting = fault.inject({ cluster, options, random, signal: stopping.signal });
  // A failed injection ends the test where it is awaited below; until then it must not end the process.
  injecting.catch(() => undefined);
  const record = await runStepsLoad({
    apiUrl: () => fault.apiUrl?.(cluster) ?? cluster.apiUrl(),
    sinkUrl: sink.url,
    load: { ...options, turnsPerThread: fault.turnsPerThread ?? TURNS_PER_THREAD },
    random,
    deadlineMs,
  });
  stopping.abort();
  const report = await injecting;
  await waitUntilIdle(cluster, deadlineMs);
  const client = new Client({ apiUrl: cluster.apiUrl() });
  const violations = await checkInvariants({
    pool: cluster.pool,
    runIds: record.runs.map((run) => run.runId),
    effects: sink.effects,
    clientLogs: record.logs,
    acceptedMessages: record.acceptedMessages,
    uncertainMessages: record.uncertainMessages,
    staleSenders: report.staleSenders,
    readUserMessages: (threadId) => readUserMessages(client, threadId),
    ...fault.check,
  });
  violations.push(...((await fault.checkMore?.(cluster, sink.effects)) ?? []));
  if (record.runs.length < options.runCount) {
    violations.push({
      invariant: "I1",
      detail: `only ${record.runs.length} of ${options.runCount} runs were accepted in time`,
    });
  }
  const counts = { ...(await countRows(cluster)), retriedRequests: record.retriedCount, ...report.counts };
  const keys = new Set(sink.effects.map((effect) => effect.key));
  return {
    proofs: report.proofs,
    counts: { ...counts, effects: sink.effects.length, repeatedEffects: sink.effects.length - keys.size },
    ...(report.deaths === undefined ? {} : summariseRecoveries(await readClaims(cluster.pool), report.deaths)),
    violations,
  };
}

function summariseRecoveries(claims: Claim[], deaths: { session: string; atMs: number }[]) {
  const recoveries = findRecoveries(claims, deaths);
  return {
    detection: summarise(recoveries.map(({ detectedMs }) => detectedMs)),
    recovery: summarise(recoveries.map(({ claimedMs }) => claimedMs)),
  };
}

/** Runs whose request got no answer may still be under way when the last acknowledged one has ended. */
export async function waitUntilIdle(cluster: Cluster, deadlineMs: number): Promise<void> {
  while (Date.now() < deadlineMs) {
    const { rows } = await cluster.pool.query("select 1 from run where status in ('pending', 'running') limit 1");
    if (rows.length === 0) return;
    await sleep(100);
  }
}

async function countRows(cluster: Cluster): Promise<Record<string, number>> {
  const { rows } = await cluster.pool.query<Record<string, number>>(
    `select count(*)::int as runs, count(distinct thread_id)::int as threads,
       count(*) filter (where attempt > 1)::int as "hitRuns", coalesce(max(attempt), 0)::int as "attemptsMax",
       coalesce(sum(lost_lease_count), 0)::int as "lostLeases" from run`,
  );
  return rows[0]!;
}

export async function readUserMessages(client: Client, threadId: string): Promise<string[]> {
  const state = await client.threads.getState<{ messages?: { type: string; content: string }[] }>(threadId);
  return (state.values.messages ?? []).filter((message) => message.type === "human").map((message) => message.content);
}

/** Waits for the next fault; false when the load is done. */
export async function untilNextFault({ options, random, signal }: InjectionContext): Promise<boolean> {
  const pauseMs = random.integer(options.faultIntervalMinMs, options.faultIntervalMaxMs);
  await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}

/** A random worker among those that have runs in flight; `undefined` when none has. */
export async function pickBusyWorker({ cluster, random }: InjectionContext): Promise<NamedProcess | undefined> {
  const claims = await readClaims(cluster.pool);
  const busy = cluster.workers.filter((worker) => claimsAt(claims, worker.session, Date.now()).length > 0);
  return busy.length === 0 ? undefined : random.pick(busy);
}
