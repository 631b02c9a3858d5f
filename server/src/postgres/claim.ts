// Claiming: how pending runs become a worker's, in one statement, in order of priority and age, within their assistants' limits.
import type { Pool } from "pg";
import { CONCURRENCY_MAX_KEY } from "../domain/assistant.ts";
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import { type ClaimedRow, toClaimedRun } from "./claimed-run.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { isUniqueViolation } from "./pg-errors.ts";
import { runColumns } from "./run-row.ts";
import { execute, inTransaction, type Queryable } from "./statement.ts";
import { isTapeWanted } from "./tape-wish.ts";

/** A run may be claimed when it is due, its thread has no running run and no due run that arrived earlier. */
const CLAIMABLE = `
  r.status = 'pending' and r.available_at <= now()
  and not exists (select 1 from run x where x.thread_id = r.thread_id and x.status = 'running')
  and not exists (select 1 from run e where e.thread_id = r.thread_id and e.status = 'pending'
    and e.available_at <= now() and e.queue_order < r.queue_order)`;

/** Claims the runs that the query `due` locks; tells besides whether runs of limited assistants are due. */
function claimOf(due: string): string {
  return `
  with due as materialized (${due}), fenced as (
    update thread t set epoch = t.epoch + 1, tape_block = t.tape_block + case when due.tape_block is null then 1 else 0 end
    from due where t.thread_id = due.thread_id
    returning t.thread_id, t.epoch, t.tape_block, t.tape_wanted_at
  ), claimed as (
    update run r set status = 'running', attempt = r.attempt + 1, lease_owner = $1,
      lease_expires_at = now() + $3 * interval '1 millisecond', epoch = f.epoch,
      is_taped = case when r.tape_block is null then ${isTapeWanted("f")} else r.is_taped end,
      tape_block = coalesce(r.tape_block, f.tape_block), started_at = coalesce(r.started_at, now()), updated_at = now()
    from due d join fenced f on f.thread_id = d.thread_id
    where r.run_id = d.run_id and r.status = 'pending'
    returning r.*
  )
  select ${runColumns("c")}, c.epoch, c.cancel_action,
    case when c.attempt = 1 then 0
      else coalesce((select max(e.seq) + 1 from run_event e where e.run_id = c.run_id), 0) end as next_event_seq,
    (select exists (
      select 1 from run l where l.status = 'pending' and l.is_limited and l.available_at <= now())) as has_limited
  from (values (1)) always left join claimed c on true
  order by c.priority desc, c.queue_order`;
}

function unlimitedDue(order: string): string {
  return `
    select r.run_id, r.thread_id, r.tape_block
    from run r join thread t on t.thread_id = r.thread_id
    where ${CLAIMABLE} and not r.is_limited
    order by ${order}
    limit $2
    for update of r, t skip locked`;
}

const CLAIM_BY_PRIORITY = claimOf(unlimitedDue("r.priority desc, r.queue_order"));

const CLAIM_BY_AGE = claimOf(unlimitedDue("r.queue_order"));

/** As many runs of each assistant as its limit leaves room for. The limit is the assistant's at this moment. */
const CLAIM_LIMITED = claimOf(`
    select d.run_id, d.thread_id, d.tape_block
    from unnest($4::uuid[]) a (assistant_id)
    left join assistant s on s.assistant_id = a.assistant_id
    cross join lateral (
      select case when jsonb_typeof(s.metadata -> '${CONCURRENCY_MAX_KEY}') = 'number'
          then (s.metadata ->> '${CONCURRENCY_MAX_KEY}')::numeric else 1000000 end
        - (select count(*) from run x where x.assistant_id = a.assistant_id and x.status = 'running' and x.is_limited)
        as count
    ) free
    cross join lateral (
      select r.run_id, r.thread_id, r.tape_block, r.priority, r.queue_order
      from run r join thread t on t.thread_id = r.thread_id
      where r.assistant_id = a.assistant_id and r.is_limited and ${CLAIMABLE}
      order by r.priority desc, r.queue_order
      limit greatest(0, floor(free.count))::bigint
      for update of r, t skip locked
    ) d
    order by d.priority desc, d.queue_order
    limit $2`);

/** Serialises the claims of one assistant's runs; the second key of the lock is the assistant's. */
const LIMIT_LOCK_CLASS = 0x6c696d69;

const LOCK_LIMITED = `
  select assistant_id, pg_advisory_xact_lock(${LIMIT_LOCK_CLASS}, hashtext(assistant_id::text))
  from (
    select distinct r.assistant_id from run r
    where r.status = 'pending' and r.is_limited and r.available_at <= now() order by r.assistant_id
  ) waiting`;

export interface ClaimOptions {
  workerId: string;
  countMax: number;
  leaseDurationMs: number;
}

export interface Claims {
  claimed: ClaimedRun[];
  /** Whether runs of assistants with a limit were due. */
  hasLimited: boolean;
}

/** Claims runs of assistants without a limit: the most urgent ones, or the oldest. */
export function claimUnlimitedRuns(pool: Pool, options: ClaimOptions, order: "priority" | "age"): Promise<Claims> {
  const [name, text] = order === "age" ? ["claim_oldest", CLAIM_BY_AGE] : ["claim_runs", CLAIM_BY_PRIORITY];
  return claim(pool, { name: name!, text: text! }, options, []);
}

/**
 * Claims runs of assistants with a limit. How many run is counted only after the lock on the assistant is held, in a new snapshot,
 * so that no two workers take the same place.
 */
export function claimLimitedRuns(pool: Pool, options: ClaimOptions): Promise<Claims> {
  return inTransaction(pool, async (client) => {
    const locked = await execute<{ assistant_id: string }>(client, LOCK_LIMITED);
    if (locked.length === 0) return { claimed: [], hasLimited: false };
    const assistantIds = locked.map((row) => row.assistant_id);
    return claim(client, { name: "claim_limited", text: CLAIM_LIMITED }, options, [assistantIds]);
  });
}

async function claim(
  db: Queryable,
  statement: { name: string; text: string },
  options: ClaimOptions,
  more: unknown[],
): Promise<Claims> {
  const { workerId, countMax, leaseDurationMs } = options;
  try {
    const values = [workerId, countMax, leaseDurationMs, ...more];
    const { rows } = await db.query<ClaimedRow & { has_limited: boolean }>({ ...statement, values });
    const claimed = rows.filter((row) => row.run_id !== null).map((row) => toClaimedRun(cipherOf(db), row));
    return { claimed, hasLimited: rows[0]!.has_limited };
  } catch (error) {
    // The constraint caught a claim decided on a stale snapshot: somebody else runs this thread now.
    if (isUniqueViolation(error, "run_one_running_per_thread")) return { claimed: [], hasLimited: true };
    throw error;
  }
}
