// Firing due ticks: the run and the move to the next tick are one transaction, under the cron's row.
import type { Pool, PoolClient } from "pg";
import type { Cron } from "../domain/cron.ts";
import { HoldfastError, NotFoundError, SealedContentError, ThreadBusyError } from "../domain/errors.ts";
import type { CronTick, FiredTick, FiredTicks, FireOptions } from "../domain/ports/cron-repository.ts";
import type { Admission } from "../domain/ports/run-queue.ts";
import { admitRunWithin } from "./admission.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { type CronRow, toCron } from "./cron-row.ts";
import type { DeleteRunCheckpoints } from "./run-end.ts";
import { execute, inTransaction } from "./statement.ts";

/** `$1` is the clock handed in; without one the database's counts, so that no process' own clock matters. */
const IS_DUE = "is_enabled and next_run_date <= coalesce($1::timestamptz, now())";

/** Until a cron whose request this process has no key for is looked at again; its tick is not lost. */
const KEY_WAIT_MS = 60_000;

interface Candidate {
  cron_id: string;
  thread_id: string | null;
}

export async function fireDueTicks(
  pool: Pool,
  options: FireOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<FiredTicks> {
  const candidates = await execute<Candidate>(
    pool,
    `select cron_id, thread_id from cron where ${IS_DUE} order by next_run_date, cron_id limit $2`,
    [options.now ?? null, options.countMax],
    "find_due_crons",
  );
  const fired: FiredTick[] = [];
  const failures: FiredTicks["failures"] = [];
  for (const candidate of candidates) {
    try {
      const tick = await inTransaction(pool, (client) => fireTick(client, candidate, options, deleteCheckpoints));
      if (tick !== undefined) fired.push(tick);
    } catch (error) {
      // No database, no ticks: the others would only wait for the same.
      if (error instanceof HoldfastError && error.isRetryable) throw error;
      failures.push({ cronId: candidate.cron_id, error });
    }
  }
  return { fired, failures };
}

/** `undefined` when another scheduler has it or had it. */
async function fireTick(
  client: PoolClient,
  candidate: Candidate,
  options: FireOptions,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<FiredTick | undefined> {
  // The thread before the cron, as its deletion takes them: the other way round the two could wait for each other.
  if (candidate.thread_id !== null) {
    await execute(client, "select 1 from thread where thread_id = $1 for update", [candidate.thread_id]);
  }
  const [row] = await execute<CronRow & { now: Date }>(
    client,
    `select *, coalesce($1::timestamptz, now()) as now from cron where cron_id = $2 and ${IS_DUE} for update skip locked`,
    [options.now ?? null, candidate.cron_id],
  );
  if (row === undefined) return undefined;
  const { cron, problem } = readCron(client, row);
  const fired = { cron, tickAt: cron.nextRunAt ?? row.now, firedAt: row.now };
  const moveTo = (time: Date | null) =>
    execute(client, "update cron set next_run_date = $2 where cron_id = $1", [cron.cronId, time]);
  if (problem !== undefined) {
    await moveTo(new Date(row.now.getTime() + KEY_WAIT_MS));
    return { ...fired, reason: problem.message };
  }
  const tick = await options.decide(cron, row.now);
  const outcome = await startRun(client, tick, deleteCheckpoints);
  await moveTo(tick.nextRunAt);
  return { ...fired, ...outcome };
}

/** One that this process has no key for must not hold up those behind it. */
function readCron(client: PoolClient, row: CronRow): { cron: Cron; problem?: SealedContentError } {
  const cipher = cipherOf(client);
  try {
    return { cron: toCron(cipher, row) };
  } catch (error) {
    if (!(error instanceof SealedContentError)) throw error;
    return { cron: toCron(cipher, { ...row, payload: {}, run_request: {} }), problem: error };
  }
}

async function startRun(
  client: PoolClient,
  tick: CronTick,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<{ admission: Admission } | { reason: string }> {
  if (tick.run === undefined) return { reason: tick.reason ?? "There is nothing to run." };
  try {
    // Nobody claims for this process here: the run must not start before the transaction is committed.
    const admission = await admitRunWithin(client, tick.run, { leaseDurationMs: 0 }, deleteCheckpoints);
    return { admission };
  } catch (error) {
    // Refused by a rule, before anything was written: the tick passes.
    if (error instanceof ThreadBusyError || error instanceof NotFoundError) return { reason: error.message };
    throw error;
  }
}
