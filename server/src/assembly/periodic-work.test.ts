// Periodic work: one turn at a time, woken early, going on after failures, waited for at the end.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { DatabaseUnavailableError } from "../domain/errors.ts";
import { createLogger } from "../observability/logger.ts";
import { createMetrics } from "../observability/metrics.ts";
import { createReport } from "../observability/report.ts";
import { startPeriodicWork } from "./periodic-work.ts";

function start(turn: () => Promise<boolean>, intervalMs: number) {
  const lines: string[] = [];
  const report = createReport(
    createLogger({ level: "info", destination: { write: (line) => lines.push(line) } }),
    createMetrics(),
  );
  const work = startPeriodicWork({ name: "counting", workerId: "w", intervalMs, turn, report });
  onTestFinished(() => work[Symbol.asyncDispose]());
  return { work, lines };
}

test("turns follow each other while there is more, then wait for the interval or a wake", async () => {
  let turns = 0;
  const { work } = start(async () => ++turns < 3, 60_000);
  await expect.poll(() => turns).toBe(3);
  await sleep(30);
  expect(turns).toBe(3);
  work.wake();
  await expect.poll(() => turns).toBe(4);
});

test("turns repeat by themselves and never overlap, however often they are woken", async () => {
  let turns = 0;
  let now = 0;
  let most = 0;
  const { work } = start(async () => {
    most = Math.max(most, ++now);
    await sleep(5);
    now--;
    turns++;
    return false;
  }, 10);
  for (let n = 0; n < 20; n++) {
    work.wake();
    await sleep(1);
  }
  const woken = turns;
  await expect.poll(() => turns).toBeGreaterThan(woken + 2);
  expect(most).toBe(1);
});

test("a failed turn is reported and tried again at the next interval", async () => {
  const failures = [new Error("broken"), new DatabaseUnavailableError("away")];
  let turns = 0;
  const { lines } = start(async () => {
    const failure = failures[turns++];
    if (failure) throw failure;
    return false;
  }, 10);
  await expect.poll(() => turns).toBeGreaterThan(2);
  expect(lines.join("")).toMatch(/worker failed/);
  expect(lines.join("")).toMatch(/database unavailable/);
});

test("disposing waits for the turn in progress, and no other follows", async () => {
  let turns = 0;
  let isDone = false;
  const { work } = start(async () => {
    turns++;
    await sleep(30);
    isDone = true;
    return true;
  }, 1);
  await work[Symbol.asyncDispose]();
  expect(isDone).toBe(true);
  work.wake();
  await sleep(20);
  expect(turns).toBe(1);
});
