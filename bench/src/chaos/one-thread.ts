// F7: a hundred clients send messages to one thread with all four multitask strategies; every outcome is accounted for.
import { Client } from "@langchain/langgraph-sdk";
import type { Violation } from "../harness/check-input.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster } from "../harness/cluster.ts";
import { startSink } from "../harness/sink.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { checkStrategies, type SentRun } from "./one-thread-accounts.ts";
import { type Random, seededRandom } from "./random.ts";
import { readUserMessages, waitUntilIdle } from "./steps-fault.ts";

type Strategy = SentRun["strategy"];

/** Of a hundred messages; a cancelling one ends everything before it, so these are rare. */
const STRATEGY_SHARES: Record<Strategy, number> = { enqueue: 60, reject: 34, interrupt: 4, rollback: 2 };
const STRATEGY_MIX = Object.entries(STRATEGY_SHARES).flatMap(([strategy, share]) =>
  Array.from({ length: share }, () => strategy as Strategy),
);

interface Tally {
  sent: SentRun[];
  refused: Record<Strategy, number>;
  problems: Violation[];
}

export const oneThread: Fault = {
  id: "F7",
  title: "100 clients on one thread, all four multitask strategies",
  defaults: { runCount: 2_000, clientCount: 100, workerCount: 2, stepCount: 2, stepMs: 5 },
  run: crowdOneThread,
};

async function crowdOneThread(options: ChaosOptions): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  const databaseUrl = await options.server.createDatabase();
  await using sink = await startSink();
  await using cluster = await Cluster.start({ databaseUrl, workerCount: options.workerCount });
  const client = new Client({ apiUrl: cluster.apiUrl() });
  const { thread_id: threadId } = await client.threads.create();
  const tally: Tally = { sent: [], refused: { reject: 0, enqueue: 0, interrupt: 0, rollback: 0 }, problems: [] };
  const random = seededRandom(options.seed);
  let nextMessage = 0;
  const sender = async () => {
    while (nextMessage < options.runCount && Date.now() < deadlineMs) {
      await sendOne(cluster.apiUrl(), threadId, `message ${nextMessage++}`, {
        options,
        random,
        tally,
        sinkUrl: sink.url,
      });
    }
  };
  await Promise.all(Array.from({ length: options.clientCount }, sender));
  await waitUntilIdle(cluster, deadlineMs);
  const account = await checkStrategies(cluster.pool, tally.sent, await readUserMessages(client, threadId));
  const violations = await checkInvariants({
    pool: cluster.pool,
    runIds: account.keptRunIds,
    effects: sink.effects,
    clientLogs: [],
    acceptedMessages: new Map(),
    expectedStatuses: ["success", "interrupted"],
    readUserMessages: async () => [],
  });
  if (nextMessage < options.runCount) {
    violations.push({
      invariant: "I1",
      detail: `only ${nextMessage} of ${options.runCount} messages were sent in time`,
    });
  }
  const { enqueue, interrupt, rollback } = tally.refused;
  return {
    proofs: { ...account.outcomes, refusedAsBusy: tally.refused.reject },
    counts: { runs: tally.sent.length, refusedOtherwise: enqueue + interrupt + rollback },
    violations: [...tally.problems, ...account.violations, ...violations],
  };
}

async function sendOne(
  apiUrl: string,
  threadId: string,
  message: string,
  { options, random, tally, sinkUrl }: { options: ChaosOptions; random: Random; tally: Tally; sinkUrl: string },
): Promise<void> {
  const strategy = random.pick(STRATEGY_MIX);
  const response = await fetch(`${apiUrl}/threads/${threadId}/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      assistant_id: "steps",
      input: { messages: [{ role: "user", content: message }] },
      config: { configurable: { steps: options.stepCount, stepMs: options.stepMs, sinkUrl } },
      stream_mode: ["values"],
      multitask_strategy: strategy,
    }),
  });
  const body = (await response.json()) as { run_id?: string };
  if (response.ok) {
    const run = { runId: String(body.run_id), message, strategy };
    tally.sent.push(run);
    // The client waits for its answer, whatever becomes of it.
    const joined = await fetch(`${apiUrl}/threads/${threadId}/runs/${run.runId}/join`);
    await joined.text();
    if (joined.status >= 500)
      tally.problems.push({ invariant: "F7", detail: `join of ${run.runId} answered ${joined.status}` });
    return;
  }
  tally.refused[strategy]++;
  if (response.status === 409 && strategy === "reject") return;
  tally.problems.push({
    invariant: "F7",
    detail: `${strategy} was answered ${response.status}: ${JSON.stringify(body)}`,
  });
}
