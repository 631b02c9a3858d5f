// F10: workers whose clocks are minutes apart, some of them killed, so that turns and runs move between clocks.
import { fileURLToPath } from "node:url";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { seededRandom } from "./random.ts";
import { type InjectionContext, type InjectionReport, runStepsFault, untilNextFault } from "./steps-fault.ts";

const PRELOAD = fileURLToPath(new URL("../../preload/shift-clock.mjs", import.meta.url));
const SHIFT_MIN_MS = 60_000;
const SHIFT_MAX_MS = 600_000;

export const skewClocks: Fault = {
  id: "F10",
  title: "workers with clocks minutes apart",
  defaults: { runCount: 500, workerCount: 3, faultIntervalMinMs: 3_000, faultIntervalMaxMs: 6_000 },
  run: runSkewed,
};

function runSkewed(options: ChaosOptions): Promise<ChaosResult> {
  const random = seededRandom(options.seed);
  // By turns ahead and behind, so that no two workers agree.
  const shiftsMs = Array.from(
    { length: options.workerCount },
    (_, index) => random.integer(SHIFT_MIN_MS, SHIFT_MAX_MS) * (index % 2 === 0 ? 1 : -1),
  );
  return runStepsFault(
    {
      turnsPerThread: 4,
      cluster: {
        env: { HOLDFAST_ATTEMPT_MAX: "100" },
        workerEnv: (index) => ({ NODE_OPTIONS: `--import ${PRELOAD}`, BENCH_CLOCK_SHIFT_MS: String(shiftsMs[index]) }),
      },
      check: { areClocksTrusted: false },
      inject: (context) => killSometimes(context, shiftsMs),
    },
    options,
  );
}

async function killSometimes(context: InjectionContext, shiftsMs: number[]): Promise<InjectionReport> {
  const { cluster, random, options } = context;
  const deaths: { session: string; atMs: number }[] = [];
  const shifted = () => cluster.workers.filter(({ server }) => server.output().includes("[clock] shifted")).length;
  let shiftedCount = 0;
  while (await untilNextFault(context)) {
    shiftedCount = Math.max(shiftedCount, shifted());
    const index = random.integer(0, options.workerCount - 1);
    const { session, server } = cluster.workers[index]!;
    deaths.push({ session, atMs: Date.now() });
    await server.kill("SIGKILL");
    options.log(`killed ${session}, whose clock is ${shiftsMs[index]} ms off`);
    await cluster.startWorker(index);
  }
  const { rows } = await cluster.pool.query<{ count: number }>(
    `select count(*)::int as count from (
       select thread_id from audit_run where status = 'running' group by 1 having count(distinct split_part(session, '.', 1)) > 1
     ) moved`,
  );
  return {
    proofs: { workersShifted: Math.max(shiftedCount, shifted()), threadsOnSeveralClocks: rows[0]!.count },
    deaths,
  };
}
