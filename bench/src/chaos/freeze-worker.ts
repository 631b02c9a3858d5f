// F2: a worker is frozen (SIGSTOP) past its lease and thawed (SIGCONT) when others have its runs: every write of the zombie
// must be refused.
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Claim, claimsAt, readClaims } from "../harness/audit.ts";
import type { Cluster, NamedProcess } from "../harness/cluster.ts";
import type { Fault } from "./fault.ts";
import {
  type InjectionContext,
  type InjectionReport,
  pickBusyWorker,
  runStepsFault,
  untilNextFault,
} from "./steps-fault.ts";

const LEASE_DURATION_MS = 2_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
const POLL_MS = 50;
const FREEZES_MIN = 3;
const FREEZES_PER_RUN = 0.1;
/** A frozen worker's runs are elsewhere after lease, sweep and claim; more means that nobody takes them. */
const TAKEOVER_MAX_MS = 60_000;
/** Time for a thawed worker to try its writes. */
const THAW_MAX_MS = 2_000;
const REFUSED_WRITE = "[refused write]";

const PRELOAD = fileURLToPath(new URL("../../preload/report-refused-writes.mjs", import.meta.url));

export const freezeWorker: Fault = {
  id: "F2",
  title: "SIGSTOP a worker past its lease, then SIGCONT; the zombie's writes are refused",
  defaults: { runCount: 500, faultIntervalMinMs: 300, faultIntervalMaxMs: 1_000 },
  run: (options) =>
    runStepsFault(
      {
        cluster: {
          env: {
            HOLDFAST_LEASE_DURATION_MS: String(LEASE_DURATION_MS),
            HOLDFAST_HEARTBEAT_INTERVAL_MS: String(HEARTBEAT_INTERVAL_MS),
            HOLDFAST_ATTEMPT_MAX: "100",
          },
          workerEnv: () => ({ NODE_OPTIONS: `--import ${PRELOAD}` }),
        },
        inject: freezeRandomly,
      },
      options,
    ),
};

async function freezeRandomly(context: InjectionContext): Promise<InjectionReport> {
  const { cluster, options } = context;
  const staleSenders = new Set<string>();
  let takenOverCount = 0;
  // Bounded by the load: on a slow machine endless freezes would leave no run the time to end.
  let freezesLeft = Math.max(FREEZES_MIN, Math.round(options.runCount * FREEZES_PER_RUN));
  while (freezesLeft > 0 && (await untilNextFault(context))) {
    const worker = await pickBusyWorker(context);
    if (worker === undefined) continue;
    freezesLeft--;
    const frozenAtMs = Date.now();
    worker.server.child.kill("SIGSTOP");
    staleSenders.add(worker.session);
    const taken = await waitForTakeover(cluster, worker, frozenAtMs);
    worker.server.child.kill("SIGCONT");
    takenOverCount += taken.length;
    if (taken.length > 0) await waitForRefusal(worker);
    options.log(`froze ${worker.session} for ${Date.now() - frozenAtMs} ms: ${taken.length} runs were taken over`);
  }
  const refusedCount = cluster.workers.reduce((sum, worker) => sum + countRefusals(worker), 0);
  return {
    proofs: { freezes: staleSenders.size, runsTakenOver: takenOverCount, refusedWrites: refusedCount },
    staleSenders,
  };
}

/** Waits until every run the worker had is with somebody else; returns those runs. */
async function waitForTakeover(cluster: Cluster, worker: NamedProcess, frozenAtMs: number): Promise<Claim[]> {
  const deadlineMs = frozenAtMs + TAKEOVER_MAX_MS;
  while (Date.now() < deadlineMs) {
    const claims = await readClaims(cluster.pool);
    const had = claimsAt(claims, worker.session, frozenAtMs);
    const isWithOthers = (lost: Claim) => claims.some((claim) => claim.runId === lost.runId && claim.atMs > frozenAtMs);
    if (had.every(isWithOthers)) return had;
    await sleep(POLL_MS);
  }
  throw new Error(`the runs of the frozen ${worker.session} were not taken over within ${TAKEOVER_MAX_MS} ms`);
}

async function waitForRefusal(worker: NamedProcess): Promise<void> {
  const before = countRefusals(worker);
  const deadlineMs = Date.now() + THAW_MAX_MS;
  while (Date.now() < deadlineMs && countRefusals(worker) === before) await sleep(POLL_MS);
}

function countRefusals(worker: NamedProcess): number {
  return worker.server.output().split(REFUSED_WRITE).length - 1;
}
