// The crash test of every `npm test`: 40 runs of 5 steps on 4 workers, one of them killed by SIGKILL every second.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { killWorkers } from "./kill-workers.ts";

let server: DatabaseServer;
beforeAll(async () => {
  server = await openDatabaseServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it("keeps invariants I1 to I7 while workers are killed", { timeout: 180_000 }, async () => {
  const result = await killWorkers({
    databaseUrl: await server.createDatabase(),
    seed: Number(process.env.HOLDFAST_CHAOS_SEED ?? 20_261_122),
    runCount: 40,
    stepCount: 5,
    stepMs: 400,
    workerCount: 4,
    killIntervalMs: 1_000,
    durationMaxMs: 150_000,
  });
  console.log(`crash test: ${JSON.stringify({ ...result, violations: result.violations.length })}`);
  expect(result.violations).toEqual([]);
  expect(result.killCount).toBeGreaterThan(0);
  expect(result.hitRunCount, "no run was hit by a kill: the test proved nothing").toBeGreaterThan(0);
});
