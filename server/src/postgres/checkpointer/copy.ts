// Copies a thread's checkpoints to another thread.
import type { Queryable } from "../statement.ts";

const COPY = `with c as (
  insert into checkpoint (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, channels, metadata, lists, epoch)
  select $2, checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, channels,
    case when metadata ->> 'thread_id' = $1 then jsonb_set(metadata, '{thread_id}', to_jsonb($2::text)) else metadata end,
    lists, epoch
  from checkpoint where thread_id = $1
), w as (
  insert into checkpoint_write
    (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, task_path, body, lists, run_id)
  select $2, checkpoint_ns, checkpoint_id, task_id, idx, task_path, body, lists, run_id
  from checkpoint_write where thread_id = $1
)
insert into checkpoint_item (thread_id, list_id, position, body)
select $2, list_id, position, body from checkpoint_item where thread_id = $1`;

/** Copies all checkpoints, pending writes and items under the same ids; `thread_id` in metadata becomes the copy's. */
export async function copyThreadCheckpoints(db: Queryable, from: string, to: string): Promise<void> {
  await db.query(COPY, [from, to]);
}
