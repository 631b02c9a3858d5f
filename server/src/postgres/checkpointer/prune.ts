// Keeps a thread's latest state and drops its history.
import type { Queryable } from "../statement.ts";
import { hasChannel } from "./checkpoint-channels.ts";

// Kept: the newest checkpoint of each namespace, and the ancestors from which its delta channels are rebuilt (LangGraph
// lists them in the metadata, with the counters since their last snapshot) up to those that hold a stored value.
const PRUNE = `with recursive keep as (
  (select distinct on (checkpoint_ns) checkpoint_ns, checkpoint_id, parent_checkpoint_id, body, channels, lists,
    (select array_agg(k) from jsonb_object_keys(metadata -> 'counters_since_delta_snapshot') k) as wanted
  from checkpoint where thread_id = $1
  order by checkpoint_ns, epoch desc, checkpoint_id desc)
  union all
  select c.checkpoint_ns, c.checkpoint_id, c.parent_checkpoint_id, c.body, c.channels, c.lists, left_over.channels
  from keep k
  cross join lateral (
    select array_agg(x) as channels from unnest(k.wanted) as x where not ${hasChannel("k", "x")}
  ) left_over
  join checkpoint c on c.thread_id = $1 and c.checkpoint_ns = k.checkpoint_ns and c.checkpoint_id = k.parent_checkpoint_id
  where left_over.channels is not null
), kept as materialized (
  select checkpoint_ns, checkpoint_id, parent_checkpoint_id, lists from keep
), ref as (
  select lists from kept
  union all
  select w.lists from checkpoint_write w join kept k using (checkpoint_ns, checkpoint_id) where w.thread_id = $1
), span as materialized (
  select distinct r.lists[s + 1] as list_id, r.lists[s + 2] as first, r.lists[s + 3] as past
  from ref r cross join lateral generate_series(1, cardinality(r.lists), 4) as s
), c as (
  delete from checkpoint c where c.thread_id = $1
    and not exists (select 1 from kept k where k.checkpoint_ns = c.checkpoint_ns and k.checkpoint_id = c.checkpoint_id)
  returning pg_column_size(c.*) as bytes
), w as (
  delete from checkpoint_write w where w.thread_id = $1
    and not exists (select 1 from kept k where k.checkpoint_ns = w.checkpoint_ns and k.checkpoint_id = w.checkpoint_id)
  returning pg_column_size(w.*) as bytes
), i as (
  delete from checkpoint_item i where i.thread_id = $1
    and not exists (
      select 1 from span s where s.list_id = i.list_id and i.position >= s.first and i.position < s.past)
  returning pg_column_size(i.*) as bytes
), orphaned as (
  update checkpoint c set parent_checkpoint_id = null from kept k
  where c.thread_id = $1 and c.checkpoint_ns = k.checkpoint_ns and c.checkpoint_id = k.checkpoint_id
    and c.parent_checkpoint_id is not null
    and not exists (
      select 1 from kept p where p.checkpoint_ns = k.checkpoint_ns and p.checkpoint_id = k.parent_checkpoint_id)
)
select (select count(*)::int from c) as "checkpointCount", (select count(*)::int from w) as "writeCount",
  (select count(*)::int from i) as "itemCount",
  (select coalesce(sum(bytes), 0)::float8 from (
    select bytes from c union all select bytes from w union all select bytes from i) freed) as "freedBytes"`;

/** What a pruning removed. */
export interface PruneResult {
  readonly checkpointCount: number;
  readonly writeCount: number;
  readonly itemCount: number;
  /** Size of the removed rows; the files shrink when PostgreSQL's vacuum gets to them. */
  readonly freedBytes: number;
}

/**
 * Drops all history of a thread. Only for threads without an active run: a run may still refer to items that the
 * stored checkpoints no longer do. Take the thread's row lock in the same transaction.
 */
export async function pruneThreadCheckpoints(db: Queryable, threadId: string): Promise<PruneResult> {
  const { rows } = await db.query<PruneResult>(PRUNE, [threadId]);
  return rows[0] as PruneResult;
}
