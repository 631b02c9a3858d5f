// What every fault program takes and gives back.

import type { Violation } from "../harness/check-input.ts";
import type { DatabaseServer } from "../harness/database.ts";
import type { Latencies } from "../harness/measure.ts";

/** Sizes of one test; each program says which it uses, and has its own defaults. */
export interface ChaosOptions {
  server: DatabaseServer;
  seed: number;
  runCount: number;
  workerCount: number;
  /** Clients, each with one run in flight. */
  clientCount: number;
  stepCount: number;
  stepMs: number;
  /** Copies of one request at most (F6). */
  copiesMax: number;
  /** Between two faults, drawn at random from this range. */
  faultIntervalMinMs: number;
  faultIntervalMaxMs: number;
  /** Everything must have ended by then. */
  durationMaxMs: number;
  log: (line: string) => void;
}

export interface ChaosResult {
  /** Facts that show that the fault happened; one that is 0 fails the test. */
  proofs: Record<string, number>;
  /** Anything else that was counted. */
  counts: Record<string, number>;
  /** From the death of a process to the moment its runs were taken from it. */
  detection?: Latencies;
  /** From the death of a process to the next claim of each run it had. */
  recovery?: Latencies;
  violations: Violation[];
}

export interface Fault {
  id: string;
  title: string;
  defaults: Partial<ChaosOptions>;
  run(options: ChaosOptions): Promise<ChaosResult>;
}

const COMMON_DEFAULTS: Omit<ChaosOptions, "server" | "seed" | "log"> = {
  runCount: 200,
  workerCount: 3,
  clientCount: 30,
  stepCount: 4,
  stepMs: 100,
  copiesMax: 20,
  faultIntervalMinMs: 1_000,
  faultIntervalMaxMs: 3_000,
  durationMaxMs: 600_000,
};

/** Runs a fault with its defaults filled in; a fault that did not happen is a violation of its own. */
export async function runFault(
  fault: Fault,
  options: Pick<ChaosOptions, "server" | "seed"> & Partial<ChaosOptions>,
): Promise<ChaosResult> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const result = await fault.run({
    log: () => undefined,
    ...COMMON_DEFAULTS,
    ...fault.defaults,
    ...given,
  } as ChaosOptions);
  for (const [proof, count] of Object.entries(result.proofs)) {
    if (count === 0) result.violations.push({ invariant: "proof", detail: `the fault did not happen: ${proof} is 0` });
  }
  return result;
}
