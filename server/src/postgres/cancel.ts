// Cancelling from outside: a pending run ends at once, a running one is marked for its worker.
import type { Pool } from "pg";
import type { CancelAction } from "../domain/run.ts";
import type { DeleteRunCheckpoints } from "./run-end.ts";
import { insertDeliveriesFor } from "./webhook-sql.ts";

type CancelOutcome = "ended" | "signalled" | "already_ended" | "not_found";

/**
 * Whether the run is pending or running is decided on its locked row; thread first, then run, the order every writer takes.
 */
export async function requestCancel(
  pool: Pool,
  runId: string,
  threadId: string,
  action: CancelAction,
  reason: string | null,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<CancelOutcome> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("select 1 from thread where thread_id = $1 for no key update", [threadId]);
    const found = await client.query<{ status: string }>(
      "select status from run where run_id = $1 and thread_id = $2 for update",
      [runId, threadId],
    );
    const status = found.rows[0]?.status;
    let outcome: CancelOutcome = status === undefined ? "not_found" : "already_ended";
    if (status === "running") {
      await client.query(
        `update run set cancel_action = $2, cancel_reason = coalesce($3, cancel_reason),
           cancel_requested_at = coalesce(cancel_requested_at, now()) where run_id = $1`,
        [runId, action, reason],
      );
      outcome = "signalled";
    } else if (status === "pending") {
      await client.query(END_PENDING[action], action === "interrupt" ? [runId, threadId, reason] : [runId, threadId]);
      // A pending run may have run before: handed back on a drain, or taken from a worker that died.
      if (action === "rollback") await deleteCheckpoints(client, threadId, runId);
      outcome = "ended";
    }
    await client.query("commit");
    return outcome;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

/** The block of the tape that a run gets which ends before it was ever claimed; its thread's row is locked. */
const LAST_BLOCK = "coalesce(tape_block, (select t.tape_block + 1 from thread t where t.thread_id = $2::uuid))";

const FREE_THREAD = `
  update thread t set active_count = t.active_count - 1, updated_at = now(),
    tape_block = greatest(t.tape_block, ended.tape_block),
    status = case when t.active_count > 1 then 'busy' when t.interrupts <> '{}' then 'interrupted' else 'idle' end,
    ended_at = case when t.is_temporary then now() else t.ended_at end
  from ended where t.thread_id = ended.thread_id and t.thread_id = $2::uuid`;

const END_PENDING: Record<CancelAction, string> = {
  interrupt: `
    with ended as (
      update run set status = 'interrupted', ended_at = now(), updated_at = now(), cancel_action = 'interrupt',
        cancel_reason = $3, tape_block = ${LAST_BLOCK} where run_id = $1 and status = 'pending' returning *
    ), delivered as (${insertDeliveriesFor("ended")})
    ${FREE_THREAD}`,
  rollback: `
    with ended as (delete from run where run_id = $1 and status = 'pending' returning *),
    events as (delete from run_event e using ended where e.run_id = ended.run_id)
    ${FREE_THREAD}`,
};
