// F1: `kill -9` of a random worker again and again while runs of several steps are in flight.
import { claimsAt, readClaims } from "../harness/audit.ts";
import type { Fault } from "./fault.ts";
import {
  type InjectionContext,
  type InjectionReport,
  pickBusyWorker,
  runStepsFault,
  untilNextFault,
} from "./steps-fault.ts";

/** No run may be given up only because this test kills its workers more often than any machine would. */
const ATTEMPT_MAX = "100";

export const killWorkers: Fault = {
  id: "F1",
  title: "kill -9 of a random worker that has runs, every 1-3 s",
  defaults: { workerCount: 4, runCount: 1_000, clientCount: 40, stepMs: 300 },
  run: (options) =>
    runStepsFault({ cluster: { env: { HOLDFAST_ATTEMPT_MAX: ATTEMPT_MAX } }, inject: killRandomly }, options),
};

async function killRandomly(context: InjectionContext): Promise<InjectionReport> {
  const { cluster, options } = context;
  const deaths: { session: string; atMs: number }[] = [];
  while (await untilNextFault(context)) {
    // One that is idle or still loading has nothing to lose.
    const worker = await pickBusyWorker(context);
    if (worker === undefined) continue;
    const index = cluster.workers.indexOf(worker);
    const { session, server } = worker;
    deaths.push({ session, atMs: Date.now() });
    await server.kill("SIGKILL");
    options.log(`killed ${session} (pid ${server.child.pid})`);
    await cluster.startWorker(index);
  }
  const claims = await readClaims(cluster.pool);
  const hitCount = deaths.reduce((sum, { session, atMs }) => sum + claimsAt(claims, session, atMs).length, 0);
  return { proofs: { kills: deaths.length, runsInFlightWhenKilled: hitCount }, deaths };
}
