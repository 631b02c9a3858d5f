// The gate to models: turns that all workers share, and a model that all leave alone.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import { PostgresModelGate } from "./model-gate.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** As many processes know it. */
const workers = (count: number) => Array.from({ length: count }, () => new PostgresModelGate(database.pool));

test("turns are spaced over all workers, a tenth of a minute's at once", async () => {
  const model = mintId();
  const gates = workers(3);
  const waits: number[] = [];
  for (let turn = 0; turn < 30; turn++) waits.push(await gates[turn % 3]!.takeTurn(model, 100));
  // A hundred a minute are one every 600 ms; ten may go at once.
  expect(waits.slice(0, 10).every((wait) => wait === 0)).toBe(true);
  expect(waits[29]!).toBeGreaterThan(19 * 600);
  expect(waits[29]!).toBeLessThanOrEqual(20 * 600);
  const together = mintId();
  const all = await Promise.all(Array.from({ length: 30 }, (_, turn) => gates[turn % 3]!.takeTurn(together, 100)));
  expect(all.filter((wait) => wait === 0).length).toBeLessThanOrEqual(11);
});

test("failures are counted over all workers, and then all leave the model alone until one of them may try", async () => {
  const model = mintId();
  const gates = workers(3);
  const limits = { failuresMax: 3, openMs: 300 };
  expect(await Promise.all(gates.map((gate) => gate.mayCall(model)))).toEqual([true, true, true]);
  for (const gate of gates) await gate.recordFailure(model, limits);
  const fresh = workers(2);
  expect(await Promise.all(fresh.map((gate) => gate.mayCall(model)))).toEqual([false, false]);
  await sleep(350);
  const tries = await Promise.all(fresh.map((gate) => gate.mayCall(model)));
  expect(tries.sort()).toEqual([false, true]);
  await fresh[0]!.recordSuccess(model);
  expect(await Promise.all(workers(2).map((gate) => gate.mayCall(model)))).toEqual([true, true]);
});

test("a success between failures starts the count anew; one of a model nobody has trouble with writes nothing", async () => {
  const model = mintId();
  const [gate] = workers(1);
  const limits = { failuresMax: 2, openMs: 60_000 };
  for (let round = 0; round < 3; round++) {
    await gate!.recordFailure(model, limits);
    await gate!.recordSuccess(model);
  }
  expect(await workers(1)[0]!.mayCall(model)).toBe(true);
  const healthy = mintId();
  await gate!.mayCall(healthy);
  await gate!.recordSuccess(healthy);
  const { rowCount } = await database.pool.query("select from model_gate where model = $1", [healthy]);
  expect(rowCount).toBe(0);
});
