// Leases: how a claimed run stays its worker's, and comes back to the queue when the worker is gone.
import type { Pool } from "pg";
import type { Fence, LeaseRenewal, SweepOptions, SweepResult } from "../domain/ports/run-queue.ts";
import type { CancelAction } from "../domain/run.ts";
import { type ClaimedRow, toClaimedRun } from "./claimed-run.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { BEACON_LOCK_CLASS } from "./listener.ts";
import { runColumns } from "./run-row.ts";

const RENEW = `
  with mine as (
    select * from unnest($2::uuid[], $3::bigint[]) as m (run_id, epoch)
  ), renewed as (
    update run r set lease_expires_at = now() + $4 * interval '1 millisecond'
    from mine m
    where r.run_id = m.run_id and r.epoch = m.epoch and r.status = 'running' and r.lease_owner = $1
    returning r.run_id, r.cancel_action
  )
  select m.run_id, r.run_id is not null as is_held, r.cancel_action
  from mine m left join renewed r on r.run_id = m.run_id`;

export async function renewLeases(
  pool: Pool,
  options: { workerId: string; fences: Fence[]; leaseDurationMs: number },
): Promise<LeaseRenewal> {
  const result = await pool.query<{ run_id: string; is_held: boolean; cancel_action: CancelAction | null }>({
    name: "renew_leases",
    text: RENEW,
    values: [
      options.workerId,
      options.fences.map((fence) => fence.runId),
      options.fences.map((fence) => fence.epoch),
      options.leaseDurationMs,
    ],
  });
  const renewal: LeaseRenewal = { lost: [], cancelRequested: [] };
  for (const row of result.rows) {
    if (!row.is_held) renewal.lost.push(row.run_id);
    else if (row.cancel_action !== null) renewal.cancelRequested.push({ runId: row.run_id, action: row.cancel_action });
  }
  return renewal;
}

/** Workers whose ids begin so hold a session lock as a beacon: when its connection is gone, so is the worker. */
export const BEACON_PREFIX = "b:";

/**
 * Whether the worker's beacon went out. The last renewal must be a moment ago, so that a listener that reconnects is not
 * taken for dead; and a server that has just started has no beacon yet of anybody. A wrong guess would cost only work, for
 * the fence holds anyway, but a run that is taken away too often is given up.
 */
const HAS_LOST_BEACON = `(
  r.lease_owner like '${BEACON_PREFIX}%'
  and r.lease_expires_at < now() + ($4::float8 - $5::float8) * interval '1 millisecond'
  and pg_postmaster_start_time() < now() - $6::float8 * interval '1 millisecond'
  and not exists (
    select 1 from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.classid = ${BEACON_LOCK_CLASS}
      and l.objid = (hashtext(r.lease_owner)::bigint & 4294967295)::oid
      and l.database = (select oid from pg_database where datname = current_database()))
)`;

/** Time since the last renewal before a missing beacon counts. */
const BEACON_GRACE_MS = 1_000;

/** Time that listeners get to come back to a server that was restarted; they try again every 5 seconds at the least. */
const BEACON_RETURN_MS = 6_000;

/** What a worker that is gone left behind: how it went, and how far the run had come. */
const LAST_WORDS = `
  concat('Worker ', r.lease_owner, ' lost attempt ', r.attempt, case when r.lease_expires_at < now()
      then ': it was silent until its lease ran out' else ': its connection to PostgreSQL ended' end,
    (select concat('; the last event it wrote is number ', e.seq, ', ', e.event)
     from run_event e where e.run_id = r.run_id order by e.seq desc limit 1))`;

/**
 * The epoch moves on with the lease, so that the worker that lost it can write nothing more. A run whose leases were lost
 * too often is not queued again: it becomes the sweeper's own, who ends it through the usual fence.
 */
const SWEEP = `
  with expired as materialized (
    select r.run_id, r.thread_id, r.lost_lease_count + 1 >= $1 as is_exhausted,
      ${LAST_WORDS} as last_error
    from run r join thread t on t.thread_id = r.thread_id
    where r.status = 'running' and (r.lease_expires_at < now() or ${HAS_LOST_BEACON})
    order by r.lease_expires_at
    limit $2
    for update of r, t skip locked
  ), fenced as (
    update thread t set epoch = t.epoch + 1 from expired x where t.thread_id = x.thread_id returning t.thread_id, t.epoch
  ), swept as (
    update run r set status = case when x.is_exhausted then 'running' else 'pending' end,
      lease_owner = case when x.is_exhausted then $3 end,
      lease_expires_at = case when x.is_exhausted then now() + $4::float8 * interval '1 millisecond' end,
      epoch = case when x.is_exhausted then f.epoch end,
      lost_lease_count = r.lost_lease_count + 1, available_at = now(), updated_at = now(),
      last_worker = r.lease_owner, last_error = x.last_error, last_lost_at = now()
    from expired x join fenced f on f.thread_id = x.thread_id
    where r.run_id = x.run_id and r.status = 'running'
    returning r.*, x.is_exhausted
  )
  select ${runColumns("s")}, s.epoch, s.is_exhausted, s.last_error, s.cancel_action,
    coalesce((select max(e.seq) + 1 from run_event e where e.run_id = s.run_id), 0) as next_event_seq
  from swept s`;

export async function sweepExpiredLeases(pool: Pool, options: SweepOptions): Promise<SweepResult> {
  const result = await pool.query<ClaimedRow & { is_exhausted: boolean; last_error: string }>({
    name: "sweep_leases",
    text: SWEEP,
    values: [
      options.attemptMax,
      options.countMax,
      options.sweeperId,
      options.leaseDurationMs,
      BEACON_GRACE_MS,
      BEACON_RETURN_MS,
    ],
  });
  return {
    requeued: result.rows.filter((row) => !row.is_exhausted).map((row) => row.run_id),
    exhausted: result.rows
      .filter((row) => row.is_exhausted)
      .map((row) => ({ ...toClaimedRun(cipherOf(pool), row), lastError: row.last_error })),
  };
}
