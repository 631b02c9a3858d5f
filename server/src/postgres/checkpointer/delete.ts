// Removes checkpoints: of a whole thread, or those of one run that is rolled back.
import type { Queryable } from "../statement.ts";

const DELETE_THREADS = `with c as (delete from checkpoint where thread_id = any($1::text[])),
  w as (delete from checkpoint_write where thread_id = any($1::text[]))
delete from checkpoint_item where thread_id = any($1::text[])`;

/** Removes all checkpoints of threads. Runs in the caller's transaction if given one of its clients. */
export async function deleteThreadCheckpoints(db: Queryable, threadIds: readonly string[]): Promise<void> {
  await db.query({ name: "holdfast_delete_thread_checkpoints", text: DELETE_THREADS, values: [threadIds] });
}

// Reads the thread's part of the primary key: a run's checkpoints have no index of their own, which every put would pay
// for. Writes of the run under older checkpoints go, too, or an undone resume would leave its answer behind.
const DELETE_RUN = `with c as (
  delete from checkpoint where thread_id = $1 and metadata ->> 'run_id' = $2
  returning checkpoint_ns, checkpoint_id
), w as (
  delete from checkpoint_write w where w.thread_id = $1
    and (w.run_id = $2 or (w.checkpoint_ns, w.checkpoint_id) in (select checkpoint_ns, checkpoint_id from c))
)
select k.checkpoint_id as head from checkpoint k
where k.thread_id = $1 and k.checkpoint_ns = ''
  and not exists (select 1 from c where c.checkpoint_ns = '' and c.checkpoint_id = k.checkpoint_id)
order by k.epoch desc, k.checkpoint_id desc limit 1`;

/**
 * Undoes what a run wrote to a thread, in all namespaces. Items it appended stay until the thread is pruned: other
 * checkpoints may share them.
 * @returns the id of the newest checkpoint left in the root namespace, if there is one.
 */
export async function deleteRunCheckpoints(
  client: Queryable,
  threadId: string,
  runId: string,
): Promise<string | undefined> {
  const values = [threadId, runId];
  const { rows } = await client.query<{ head: string | null }>({
    name: "holdfast_delete_run_checkpoints",
    text: DELETE_RUN,
    values,
  });
  return rows[0]?.head ?? undefined;
}
