// `holdfast runs` from outside: runs that were given up after their workers died are found, understood and run again.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import type { NewRun } from "../domain/run.ts";
import { admitRun } from "../postgres/admission.ts";
import { claimUnlimitedRuns } from "../postgres/claim.ts";
import { sweepExpiredLeases } from "../postgres/lease.ts";
import { endRun } from "../postgres/run-end.ts";
import { newRun } from "../postgres/testing/new-run.ts";
import { openTestDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { runCli } from "./testing/cli-process.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const LEASE = { leaseDurationMs: 60_000 };

async function claim(options: { workerId: string; countMax: number; leaseDurationMs: number }): Promise<ClaimedRun[]> {
  return (await claimUnlimitedRuns(database.pool, options, "priority")).claimed;
}

async function admit(fields: Partial<Omit<NewRun, "kwargs">> = {}): Promise<NewRun> {
  const run = newRun({ kwargs: { graphId: "agent" }, ...fields });
  await admitRun(database.pool, run, LEASE, async () => undefined);
  return run;
}

/** Lets two workers die over the run, and gives it up as the engine does. */
async function giveUp(run: NewRun): Promise<void> {
  for (const workerId of ["worker-1", "worker-2"]) {
    const claimed = await claim({ workerId, countMax: 100, ...LEASE });
    expect(claimed.map((each) => each.run.runId)).toContain(run.runId);
    await database.pool.query("update run set lease_expires_at = now() - interval '1 s' where run_id = $1", [
      run.runId,
    ]);
    const swept = await sweepExpiredLeases(database.pool, {
      sweeperId: "sweeper",
      attemptMax: 2,
      countMax: 10,
      ...LEASE,
    });
    for (const { fence, lastError } of swept.exhausted) {
      const error = { error: "AttemptsExhaustedError", message: `given up. ${lastError}` };
      await endRun(database.pool, fence, {
        status: "error",
        error,
        events: [],
        isThreadInterrupted: false,
        interrupts: {},
      });
    }
  }
}

function runs(...args: string[]): Promise<{ code: number | null; output: string }> {
  return runCli(["runs", ...args], { env: { DATABASE_URL: database.url } });
}

async function runsJson(...args: string[]) {
  const { code, output } = await runs(...args, "--json");
  return { code, json: JSON.parse(output) };
}

describe("a run that lost its workers", () => {
  test("is shown with the last words of its last worker and can be retried once", async () => {
    const run = await admit();
    await giveUp(run);
    const { json: shown } = await runsJson("show", run.runId);
    expect(shown).toMatchObject({
      status: "error",
      is_quarantined: true,
      attempt: 2,
      lost_lease_count: 2,
      last_worker: "worker-2",
      error: { error: "AttemptsExhaustedError" },
    });
    expect(shown.last_error).toMatch(/^Worker worker-2 lost attempt 2: it was silent until its lease ran out/);
    const details = await runs("show", run.runId);
    expect(details.output).toMatch(/Status +error \(given up\)/);
    expect(details.output).toMatch(/Last lost by +worker-2/);

    expect((await runs("retry", run.runId)).output).toContain(`Run ${run.runId} is back in the queue.`);
    expect((await runsJson("show", run.runId)).json).toMatchObject({
      status: "pending",
      lost_lease_count: 0,
      error: null,
    });
    const again = await claim({ workerId: "worker-3", countMax: 100, ...LEASE });
    expect(again.map((each) => each.run.runId)).toContain(run.runId);
    const thread = await database.pool.query("select status, active_count from thread where thread_id = $1", [
      run.threadId,
    ]);
    expect(thread.rows).toEqual([{ status: "busy", active_count: 1 }]);

    const second = await runs("retry", run.runId);
    expect(second.code).toBe(1);
    expect(second.output).toContain("was not given up");
  });

  test("is not retried while its thread has another run", async () => {
    const run = await admit();
    await giveUp(run);
    await admit({ threadId: run.threadId });
    const { code, output } = await runs("retry", run.runId);
    expect(code).toBe(1);
    expect(output).toContain("while its thread has another run");
    expect((await runsJson("show", run.runId)).json.status).toBe("error");
  });
});

describe("list", () => {
  test("filters by status and thread, newest first, as many as asked for", async () => {
    const threadId = mintId();
    const first = await admit({ threadId });
    const second = await admit({ threadId });
    const third = await admit({ threadId });
    const ids = async (...args: string[]) =>
      (await runsJson("list", "--thread", threadId, ...args)).json.map((run: { run_id: string }) => run.run_id);
    expect(await ids()).toEqual([third.runId, second.runId, first.runId]);
    expect(await ids("--limit", "1")).toEqual([third.runId]);
    expect(await ids("--status", "success")).toEqual([]);
    const { output } = await runs("list", "--thread", threadId);
    expect(output.split("\n")[0]).toMatch(/^RUN +THREAD +ASSISTANT +STATUS +ATTEMPT +LOST +CREATED +ERROR$/);
    expect(output).toContain(second.runId);
  });

  test.each([
    [["--status", "lost"], "Allowed choices are pending, running, success, error, timeout, interrupted"],
    [["--limit", "0"], "whole number from 1 to 10000"],
    [["--thread", "abc"], "must be a UUID"],
  ])("answers %j with what is allowed", async (args, allowed) => {
    const { code, output } = await runs("list", ...args);
    expect(code).toBe(1);
    expect(output).toContain(allowed);
  });
});

describe("cancel", () => {
  test("ends a pending run, marks a running one, and says what it cannot do", async () => {
    const running = await admit();
    await claim({ workerId: "worker-4", countMax: 100, ...LEASE });
    const pending = await admit({ delayMs: 60_000 });
    const unknown = mintId();
    const { code, json } = await runsJson("cancel", pending.runId, running.runId, unknown);
    expect(code).toBe(1);
    expect(json).toEqual([
      { run_id: pending.runId, outcome: "ended" },
      { run_id: running.runId, outcome: "signalled" },
      { run_id: unknown, outcome: "not_found" },
    ]);
    const { rows } = await database.pool.query("select cancel_action from run where run_id = $1", [running.runId]);
    expect(rows).toEqual([{ cancel_action: "interrupt" }]);
  });
});

test("a database that lacks migrations is left alone", async () => {
  const empty = await openTestDatabase({ migrate: false });
  try {
    const { code, output } = await runCli(["runs", "list"], { env: { DATABASE_URL: empty.url } });
    expect(code).toBe(1);
    expect(output).toContain("Run: holdfast migrate");
  } finally {
    await empty.close();
  }
});
