// A stale worker in every `npm test`: workers are frozen past their lease, and what they write when they wake is refused.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { runFault } from "./fault.ts";
import { freezeWorker } from "./freeze-worker.ts";
import { testSeed } from "./test-seed.ts";

let server: DatabaseServer;
beforeAll(async () => {
  server = await openDatabaseServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it("refuses every write of a worker that slept past its lease", { timeout: 120_000 }, async () => {
  const result = await runFault(freezeWorker, {
    server,
    seed: testSeed(),
    runCount: 40,
    clientCount: 20,
    workerCount: 2,
    stepCount: 5,
    stepMs: 300,
    durationMaxMs: 100_000,
  });
  expect(result.violations, JSON.stringify(result.counts)).toEqual([]);
});
