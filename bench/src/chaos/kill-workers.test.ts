// The crash test of every `npm test`: 40 runs of 5 steps on 4 workers, one of them killed by SIGKILL every second.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { runFault } from "./fault.ts";
import { killWorkers } from "./kill-workers.ts";
import { testSeed } from "./test-seed.ts";

let server: DatabaseServer;
beforeAll(async () => {
  server = await openDatabaseServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it("keeps every invariant while workers are killed", { timeout: 180_000 }, async () => {
  const result = await runFault(killWorkers, {
    server,
    seed: testSeed(),
    runCount: 40,
    stepCount: 5,
    stepMs: 400,
    faultIntervalMinMs: 1_000,
    faultIntervalMaxMs: 1_000,
    durationMaxMs: 150_000,
  });
  expect(result.violations, JSON.stringify(result.counts)).toEqual([]);
});
