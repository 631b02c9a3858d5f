// Declares the short, seeded test of a fault that belongs to every `npm test`.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { type ChaosOptions, type ChaosResult, type Fault, runFault } from "./fault.ts";

/** Repeats or varies the tests: HOLDFAST_CHAOS_SEED. */
const SEED = Number(process.env.HOLDFAST_CHAOS_SEED ?? 20_261_122);
/** Far above what a test takes; only a hang or a crawling machine reaches it. */
const DURATION_MAX_MS = 150_000;
const TEST_MAX_MS = 180_000;

export function itSurvives(
  fault: Fault,
  what: string,
  sizes: Partial<ChaosOptions>,
  more?: (result: ChaosResult) => void,
): void {
  let server: DatabaseServer;
  beforeAll(async () => {
    server = await openDatabaseServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it(`${fault.id} (seed ${SEED}): ${what}`, { timeout: TEST_MAX_MS }, async () => {
    const result = await runFault(fault, { durationMaxMs: DURATION_MAX_MS, ...sizes, server, seed: SEED });
    expect(result.violations, JSON.stringify({ ...result.proofs, ...result.counts })).toEqual([]);
    more?.(result);
  });
}
