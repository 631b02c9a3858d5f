// F2: a worker is frozen (SIGSTOP) past its lease and thawed (SIGCONT) when others have its runs: every write of the zombie
// must be refused.
import type { Fault } from "./fault.ts";
import { countRefusals, reportRefusedWrites, waitForRefusal, waitForTakeover } from "./stale-worker.ts";
import {
  type InjectionContext,
  type InjectionReport,
  pickBusyWorker,
  runStepsFault,
  untilNextFault,
} from "./steps-fault.ts";

const LEASE_DURATION_MS = 2_000;
const HEARTBEAT_INTERVAL_MS = 1_000;
const FREEZES_MIN = 3;
const FREEZES_PER_RUN = 0.1;

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
          workerEnv: reportRefusedWrites,
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
