// F11: the model provider answers 429 and 500, drops the connection, breaks off mid-stream, sends malformed chunks, or never
// answers: every run ends within its limit, and the thread can go on when the provider is well again.
import type { Fault as ProviderFault } from "@holdfast/provider-stubs";
import type { Violation } from "../harness/check-input.ts";
import { checkUsage } from "../harness/check-usage.ts";
import { checkInvariants } from "../harness/checker.ts";
import { Cluster } from "../harness/cluster.ts";
import { AgentApi, inParallel, startAgentProvider } from "./agent-runs.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { seededRandom } from "./random.ts";
import { waitUntilIdle } from "./steps-fault.ts";

const RUN_TIMEOUT_MS = 8_000;
/** Until the answer begins; a stream that falls silent later is ended by the run's own limit. */
const MODEL_TIMEOUT_MS = 1_000;
/** Over the run's limit: waiting for a slot, and a busy machine. */
const ENDED_MAX_MS = 60_000;
const FAULT_PROBABILITY = 0.3;

const PROVIDER_FAULTS: ProviderFault[] = [
  { kind: "rate-limit", retryAfterSeconds: 0 },
  { kind: "rate-limit" },
  { kind: "server-error" },
  { kind: "overloaded" },
  { kind: "drop" },
  { kind: "drop", afterTokens: 3 },
  { kind: "malformed", afterTokens: 2 },
  { kind: "error-event", afterTokens: 2 },
  { kind: "hang" },
  { kind: "hang", afterTokens: 2 },
  { kind: "delay", delayMs: 300 },
  { kind: "slow-tokens", tokenDelayMs: 50 },
];

export const breakProvider: Fault = {
  id: "F11",
  title: "provider faults: 429, 500, no answer, broken off mid-stream, malformed chunks",
  defaults: { runCount: 500, clientCount: 20, workerCount: 2 },
  run: runOnBadProvider,
};

async function runOnBadProvider(options: ChaosOptions): Promise<ChaosResult> {
  const deadlineMs = Date.now() + options.durationMaxMs;
  await using provider = await startAgentProvider(seededRandom(options.seed), 0);
  await using cluster = await Cluster.start({
    databaseUrl: await options.server.createDatabase(),
    workerCount: options.workerCount,
    env: { HOLDFAST_RUN_TIMEOUT_MS: String(RUN_TIMEOUT_MS) },
  });
  const api = new AgentApi(cluster.apiUrl(), { modelUrl: provider.url, modelTimeoutMs: MODEL_TIMEOUT_MS });
  const violations: Violation[] = [];
  const statuses: Record<string, number> = {};
  const threadIds: string[] = [];
  const runOne = async (threadId: string, content: string) => {
    const status = await api.untilEnded(threadId, await api.createRun(threadId, content), ENDED_MAX_MS);
    if (status === "late") violations.push({ invariant: "I1", detail: `a run on thread ${threadId} does not end` });
    return status;
  };
  provider.faults.atRandom({ seed: options.seed, probability: FAULT_PROBABILITY, faults: PROVIDER_FAULTS });
  await inParallel(options.runCount, options.clientCount, async (index) => {
    if (Date.now() > deadlineMs)
      return void violations.push({ invariant: "I1", detail: `run ${index} did not begin in time` });
    const threadId = await api.createThread();
    threadIds.push(threadId);
    const status = await runOne(threadId, `first ${index}`);
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
  provider.faults.clear();
  await inParallel(threadIds.length, options.clientCount, async (index) => {
    const status = await runOne(threadIds[index]!, `second ${index}`);
    if (status === "success") return;
    violations.push({ invariant: "F11", detail: `thread ${threadIds[index]} cannot go on: its next run is ${status}` });
  });
  await waitUntilIdle(cluster, deadlineMs);
  const checked = await checkInvariants({
    pool: cluster.pool,
    runIds: [],
    effects: [],
    clientLogs: [],
    acceptedMessages: new Map(),
    expectedStatuses: ["success", "error", "timeout"],
    readUserMessages: async () => [],
  });
  const usage = await checkUsage(cluster.pool, provider);
  return {
    proofs: {
      faultsInjected: provider.faults.injected.length,
      runsSucceeded: statuses.success ?? 0,
      runsFailed: statuses.error ?? 0,
    },
    counts: {
      runs: options.runCount * 2,
      timedOut: statuses.timeout ?? 0,
      ...countFaults(provider.faults.injected),
      ...usage.counts,
    },
    violations: [...violations, ...checked, ...usage.violations],
  };
}

function countFaults(injected: { fault: ProviderFault }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fault } of injected) counts[`fault ${fault.kind}`] = (counts[`fault ${fault.kind}`] ?? 0) + 1;
  return counts;
}
