// The end of a run: status, thread, last events and outbox row change together or not at all.
import type { Pool, PoolClient } from "pg";
import { LeaseLostError } from "../domain/errors.ts";
import type { Fence, RunEnd } from "../domain/ports/run-queue.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { sealError, sealInterrupts } from "./content/sealed-columns.ts";
import { storableValues } from "./storable-json.ts";
import { insertDeliveriesFor } from "./webhook-sql.ts";

/** Removes the checkpoints a run wrote, in all namespaces. */
export type DeleteRunCheckpoints = (client: PoolClient, threadId: string, runId: string) => Promise<unknown>;

/**
 * The thread's row is locked first and the epoch moves on, so that a node that ignores its abort signal can write nothing
 * after the end. Whether other runs wait is read from the locked row, never from the statement's snapshot of the run table.
 */
const END = `
  with fence as materialized (
    select thread_id, active_count from thread where thread_id = $1::uuid and epoch = $2::bigint for no key update
  ), ended as (
    update run r set status = $4, error = $5::jsonb, final_checkpoint_id = $6, ended_at = now(), updated_at = now(),
      lease_owner = null, lease_expires_at = null, is_waiting = ($11::text = 'interrupted')
    from fence f
    where r.run_id = $3::uuid and r.thread_id = f.thread_id and r.status = 'running' and r.epoch = $2::bigint
    returning r.*
  ), logged as (
    insert into run_event (run_id, seq, event, data, omitted)
    select $3::uuid, u.seq, u.event, u.data, u.omitted
    from unnest($7::int[], $8::text[], $9::text[], $10::jsonb[]) as u (seq, event, data, omitted), ended
    on conflict (run_id, seq) do nothing
  ), freed as (
    update thread t set
      epoch = t.epoch + 1,
      active_count = t.active_count - 1,
      status = case when t.active_count > 1 then 'busy' when $17::boolean and t.error is not null then 'error' else $11::text end,
      interrupts = $12::jsonb,
      error = case when $17::boolean then t.error else $16::jsonb end,
      values = case when $13::boolean then $14::jsonb else t.values end,
      omitted_channels = case when $13::boolean then $15::text[] else t.omitted_channels end,
      head_checkpoint_id = case when $13::boolean then $6 else t.head_checkpoint_id end,
      state_updated_at = case when $13::boolean then now() else t.state_updated_at end,
      updated_at = now(),
      ended_at = case when t.is_temporary then now() else t.ended_at end,
      expires_at = case when t.ttl_minutes is null then t.expires_at else now() + t.ttl_minutes * interval '1 minute' end
    from ended where t.thread_id = ended.thread_id
    returning t.active_count
  ), delivered as (${insertDeliveriesFor("ended")})
  select active_count from freed`;

/** @throws LeaseLostError */
export async function endRun(pool: Pool, fence: Fence, end: RunEnd): Promise<{ hasWaitingRuns: boolean }> {
  const cipher = cipherOf(pool);
  const values = end.values === undefined ? undefined : storableValues(end.values);
  const result = await pool.query<{ active_count: number }>({
    name: "end_run",
    text: END,
    values: [
      fence.threadId,
      fence.epoch,
      fence.runId,
      end.status,
      sealError(cipher, "run_error", end.error),
      end.values?.checkpointId ?? null,
      ...eventArrays(cipher, end.events),
      threadStatusAfter(end),
      sealInterrupts(cipher, end.interrupts),
      end.values !== undefined,
      values === undefined ? null : cipher.sealJson("thread_values", values.json),
      values?.omittedChannels ?? [],
      sealError(cipher, "thread_error", end.error),
      end.error?.refusal !== undefined,
    ],
  });
  const freed = result.rows[0];
  if (freed === undefined) throw new LeaseLostError(fence.threadId);
  return { hasWaitingRuns: freed.active_count > 0 };
}

/** A refused resume changed nothing: the thread waits as before. */
function threadStatusAfter(end: RunEnd): "idle" | "interrupted" | "error" {
  if (end.error?.refusal === undefined && (end.status === "error" || end.status === "timeout")) return "error";
  return end.isThreadInterrupted ? "interrupted" : "idle";
}

/** The columns of an event list as arrays for `unnest`: seq, event, data, omitted. */
export function eventArrays(
  cipher: ContentCipher,
  events: StreamEvent[],
): [number[], string[], string[], (string | null)[]] {
  // Asked once: whether the lists are saved may change between two looks.
  const stored = events.map((event) => event.stored);
  return [
    events.map((event) => event.seq),
    events.map((event) => event.event),
    events.map((event, index) => cipher.seal("run_event", stored[index]?.data ?? event.data)),
    stored.map((each) => (each === undefined ? null : JSON.stringify(each.omitted))),
  ];
}

/** Deletes a rolled-back run with all it wrote. @throws LeaseLostError */
export async function endRolledBackRun(
  pool: Pool,
  fence: Fence,
  deleteCheckpoints: DeleteRunCheckpoints,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const freed = await client.query(
      `update thread set epoch = epoch + 1, active_count = active_count - 1, updated_at = now(),
         status = case when active_count > 1 then 'busy' when interrupts <> '{}' then 'interrupted' else 'idle' end,
         ended_at = case when is_temporary then now() else ended_at end
       where thread_id = $1::uuid and epoch = $2::bigint returning thread_id`,
      [fence.threadId, fence.epoch],
    );
    const deleted = await client.query(
      "delete from run where run_id = $1 and epoch = $2::bigint and status = 'running'",
      [fence.runId, fence.epoch],
    );
    if (freed.rows.length === 0 || deleted.rowCount === 0) throw new LeaseLostError(fence.threadId);
    await client.query("delete from run_event where run_id = $1", [fence.runId]);
    await deleteCheckpoints(client, fence.threadId, fence.runId);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

const RELEASE = `
  with fence as materialized (
    select thread_id from thread where thread_id = $1::uuid and epoch = $2::bigint for no key update
  ), released as (
    update run r set status = 'pending', lease_owner = null, lease_expires_at = null, epoch = null, available_at = now(),
      updated_at = now()
    from fence f
    where r.run_id = $3::uuid and r.thread_id = f.thread_id and r.status = 'running' and r.epoch = $2::bigint
    returning r.run_id, r.thread_id
  ), logged as (
    insert into run_event (run_id, seq, event, data, omitted)
    select $3::uuid, u.seq, u.event, u.data, u.omitted
    from unnest($4::int[], $5::text[], $6::text[], $7::jsonb[]) as u (seq, event, data, omitted), released
    on conflict (run_id, seq) do nothing
  ), fenced as (
    update thread t set epoch = t.epoch + 1 from released where t.thread_id = released.thread_id
  )
  select run_id from released`;

/** Hands an unfinished run back to the queue. @throws LeaseLostError */
export async function releaseRun(pool: Pool, fence: Fence, events: StreamEvent[]): Promise<void> {
  const result = await pool.query({
    name: "release_run",
    text: RELEASE,
    values: [fence.threadId, fence.epoch, fence.runId, ...eventArrays(cipherOf(pool), events)],
  });
  if (result.rows.length === 0) throw new LeaseLostError(fence.threadId);
}
