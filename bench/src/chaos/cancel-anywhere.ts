// F9: runs of an agent are cancelled at random moments, in the middle of model calls and tool calls; then the thread must go on,
// and its history must be one that the provider accepts.
import { setTimeout as sleep } from "node:timers/promises";
import type { ProviderStub } from "@holdfast/provider-stubs";
import type { Pool } from "pg";
import type { Violation } from "../harness/check-input.ts";
import { checkUsage } from "../harness/check-usage.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster } from "../harness/cluster.ts";
import { summarise } from "../harness/measure.ts";
import { AgentApi, inParallel, replayHistory, startAgentProvider, type WireMessage } from "./agent-runs.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { type Random, seededRandom } from "./random.ts";
import { waitUntilIdle } from "./steps-fault.ts";

const TOKEN_DELAY_MS = 10;
/** An undisturbed run takes about this long; cancels fall anywhere into it. */
const RUN_MS = 1_500;
/** When a cancel counts as never settled: the promise of 2 s, and what a client and a busy machine add to it. */
const SETTLE_MAX_MS = 10_000;
/** The same by the database's clock, from the cancel to the end: 2 s, and room for timers of a busy machine. */
const SETTLE_STORED_MAX_MS = 5_000;
/** Cancels of every other run are aimed at its first model call, so that some hit one however slow the machine is. */
const FIRST_CALL_MS = 100;
const FIRST_CALL_WAIT_MAX_MS = 20_000;
const POLL_MS = 5;
/** Calls looked through for one. */
const RECENT_CALLS = 200;
const FOLLOW_UP_MAX_MS = 60_000;
const ROLLBACK_SHARE = 0.2;

interface Books {
  settleMs: number[];
  statuses: Record<string, number>;
  historyComplaints: string[];
  details: string[];
}

export const cancelAnywhere: Fault = {
  id: "F9",
  title: "cancel at random points of model calls and tool calls; the history stays valid",
  defaults: { runCount: 500, clientCount: 20, workerCount: 2 },
  run: cancelMany,
};

async function cancelMany(options: ChaosOptions): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  const random = seededRandom(options.seed);
  await using provider = await startAgentProvider(random, TOKEN_DELAY_MS);
  await using cluster = await Cluster.start({
    databaseUrl: await options.server.createDatabase(),
    workerCount: options.workerCount,
  });
  const api = new AgentApi(cluster.apiUrl(), { modelUrl: provider.url });
  const books: Books = { settleMs: [], statuses: {}, historyComplaints: [], details: [] };
  await inParallel(options.runCount, options.clientCount, async (index) => {
    if (Date.now() > deadlineMs) return void books.details.push(`conversation ${index} did not begin in time`);
    const threadId = await cancelOne(api, provider, index, random, books);
    const complaint = await replayHistory(provider, await api.readMessages(threadId));
    if (complaint !== undefined) books.historyComplaints.push(`${threadId}: ${complaint}`);
    await followUp(api, threadId, index, books);
  });
  await waitUntilIdle(cluster, deadlineMs);
  const violations = await checkInvariants({
    pool: cluster.pool,
    runIds: [],
    effects: [],
    clientLogs: [],
    acceptedMessages: new Map(),
    expectedStatuses: ["success", "interrupted"],
    readUserMessages: async () => [],
  });
  violations.push(...(await findLateEnds(cluster.pool)));
  const usage = await checkUsage(cluster.pool, provider);
  violations.push(...usage.violations);
  violations.push(...books.details.map((detail): Violation => ({ invariant: "F9", detail })));
  const settled = summarise(books.settleMs);
  const abortedCalls = provider.calls.filter((call) => call.isAborted).length;
  return {
    proofs: { runsInterrupted: books.statuses.interrupted ?? 0, modelCallsAborted: abortedCalls },
    counts: {
      runs: options.runCount * 2,
      rolledBack: books.statuses.gone ?? 0,
      endedBeforeTheCancel: books.statuses.success ?? 0,
      cancelSettledP50Ms: settled.p50Ms,
      cancelSettledP99Ms: settled.p99Ms,
      storedHistoriesThatNeedRepair: books.historyComplaints.length,
      ...usage.counts,
    },
    violations,
  };
}

/** Cancelled runs whose row says that they ended too long after it. Rolled-back ones have no row any more. */
async function findLateEnds(pool: Pool): Promise<Violation[]> {
  const { rows } = await pool.query<{ run_id: string; settled_ms: number }>(
    `select run_id, extract(epoch from ended_at - cancel_requested_at)::float8 * 1000 as settled_ms
     from run where ended_at - cancel_requested_at > $1 * interval '1 millisecond'`,
    [SETTLE_STORED_MAX_MS],
  );
  return rows.map(({ run_id, settled_ms }) => ({
    invariant: "F9",
    detail: `run ${run_id} ended ${Math.round(settled_ms)} ms after its cancel`,
  }));
}

async function cancelOne(
  api: AgentApi,
  provider: ProviderStub,
  index: number,
  random: Random,
  books: Books,
): Promise<string> {
  const threadId = await api.createThread();
  const runId = await api.createRun(threadId, `first ${index}`);
  const action = random.next() < ROLLBACK_SHARE ? "rollback" : "interrupt";
  if (index % 2 === 0) await sleep(random.integer(0, RUN_MS));
  else {
    await untilCalled(provider, `first ${index}`);
    await sleep(random.integer(0, FIRST_CALL_MS));
  }
  const cancelledAtMs = Date.now();
  const answer = await api.cancel(threadId, runId, action);
  if (answer >= 500) books.details.push(`cancel of run ${runId} answered ${answer}`);
  const status = await api.untilEnded(threadId, runId, SETTLE_MAX_MS);
  books.settleMs.push(Date.now() - cancelledAtMs);
  books.statuses[status] = (books.statuses[status] ?? 0) + 1;
  const allowed = action === "rollback" ? ["gone", "success"] : ["interrupted", "success"];
  if (!allowed.includes(status)) books.details.push(`run ${runId} is ${status} after the cancel (${action})`);
  checkMessages(await api.readMessages(threadId), { [`first ${index}`]: status }, threadId, books);
  return threadId;
}

/** Waits until the model is asked about a message. */
async function untilCalled(provider: ProviderStub, content: string): Promise<void> {
  const deadlineMs = Date.now() + FIRST_CALL_WAIT_MAX_MS;
  const isAsked = () =>
    provider.calls.slice(-RECENT_CALLS).some(({ conversation }) => conversation?.messages.at(-1)?.text === content);
  while (Date.now() < deadlineMs && !isAsked()) await sleep(POLL_MS);
}

/** The thread must go on as if nothing had happened. */
async function followUp(api: AgentApi, threadId: string, index: number, books: Books): Promise<void> {
  const runId = await api.createRun(threadId, `second ${index}`);
  const status = await api.untilEnded(threadId, runId, FOLLOW_UP_MAX_MS);
  if (status !== "success") books.details.push(`the run after the cancel, ${runId} on ${threadId}, is ${status}`);
  const messages = await api.readMessages(threadId);
  checkMessages(messages, { [`second ${index}`]: status }, threadId, books);
  if (messages.at(-1)?.type !== "ai") books.details.push(`thread ${threadId} does not end with an answer`);
}

/** I6 for these threads: a successful run's message is there, a rolled-back one's is not, none is there twice. */
function checkMessages(messages: WireMessage[], runs: Record<string, string>, threadId: string, books: Books): void {
  for (const [content, status] of Object.entries(runs)) {
    const count = messages.filter((message) => message.type === "human" && message.content === content).length;
    const isWrong = count > 1 || (status === "success" && count === 0) || (status === "gone" && count > 0);
    if (isWrong) books.details.push(`thread ${threadId} holds the message of a run that is ${status} ${count} times`);
  }
}
