// F12: a deploy under load: every worker is told to stop (SIGTERM) and replaced, one after the other, again and again.
import type { Violation } from "../harness/check-input.ts";
import type { Effect } from "../harness/sink.ts";
import type { Fault } from "./fault.ts";
import {
  type InjectionContext,
  type InjectionReport,
  pickBusyWorker,
  runStepsFault,
  untilNextFault,
} from "./steps-fault.ts";

/** Short, so that runs do not end within it but move on at a superstep boundary. */
const DRAIN_GRACE_MS = 200;

export const rollingRestart: Fault = {
  id: "F12",
  title: "SIGTERM rolling restarts of workers under load",
  defaults: { runCount: 300, stepCount: 8, stepMs: 300, faultIntervalMinMs: 500, faultIntervalMaxMs: 1_000 },
  run: (options) =>
    runStepsFault(
      {
        cluster: { env: { HOLDFAST_DRAIN_GRACE_MS: String(DRAIN_GRACE_MS) } },
        inject: rollOver,
        checkMore: async (cluster, effects) => [
          ...(await checkNoLeaseLost(cluster.pool)),
          ...checkNoEffectTwice(effects),
        ],
      },
      options,
    ),
};

async function rollOver(context: InjectionContext): Promise<InjectionReport> {
  const { cluster, options } = context;
  let stoppedCount = 0;
  await Promise.all(cluster.workers.map((worker) => cluster.untilWorking(worker)));
  for (let turn = 0; await untilNextFault(context); turn++) {
    // One that has runs, where there is one: it has something to hand back.
    const busy = await pickBusyWorker(context);
    const index = busy === undefined ? turn % options.workerCount : cluster.workers.indexOf(busy);
    const { session, server } = cluster.workers[index]!;
    const starting = cluster.startWorker(index);
    const startedAtMs = Date.now();
    await server.kill("SIGTERM");
    stoppedCount++;
    options.log(`${session} left with code ${server.child.exitCode} after ${Date.now() - startedAtMs} ms`);
    if (server.child.exitCode !== 0) throw new Error(`${session} ended badly: ${server.output()}`);
    // The next one goes when this one's successor is at work, as any deploy does it.
    await cluster.untilWorking(await starting);
  }
  const { rows } = await cluster.pool.query<{ count: number }>(
    "select count(*)::int as count from audit_run where old_status = 'running' and status = 'pending'",
  );
  return { proofs: { workersStopped: stoppedCount, runsHandedBack: rows[0]!.count } };
}

/** A deploy is no crash: no lease may run out. */
async function checkNoLeaseLost(pool: InjectionContext["cluster"]["pool"]): Promise<Violation[]> {
  const { rows } = await pool.query("select run_id, lost_lease_count from run where lost_lease_count > 0");
  return rows.map((row) => ({
    invariant: "F12",
    detail: `run ${row.run_id} lost its lease ${row.lost_lease_count} times`,
  }));
}

/** Runs move between steps, never within one. */
function checkNoEffectTwice(effects: Effect[]): Violation[] {
  const seen = new Set<string>();
  const violations: Violation[] = [];
  for (const { key, sender } of effects) {
    if (seen.has(key)) violations.push({ invariant: "F12", detail: `step ${key} was done again by ${sender}` });
    seen.add(key);
  }
  return violations;
}
