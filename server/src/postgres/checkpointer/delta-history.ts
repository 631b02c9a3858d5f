// The history of delta channels: one recursive statement walks the ancestors until each channel's stored value is found.
import type { CheckpointPendingWrite, DeltaChannelHistory, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { cipherOf } from "../content/cipher-of.ts";
import type { Queryable } from "../statement.ts";
import { hasChannel } from "./checkpoint-channels.ts";
import {
  CHECKPOINT_ROW,
  groupOf,
  ITEM_ROW,
  ITEMS_OF_SPANS,
  listsOf,
  pendingOf,
  putItem,
  RANGES,
  type ReadRow,
  storedOf,
  WRITE_COLUMNS,
  withItems,
} from "./read-statement.ts";
import type { StoredCheckpoint, StoredValue, StoredWriteGroup } from "./stored-checkpoint.ts";
import type { ThreadSession } from "./thread-session.ts";
import { sortGroups, TupleReader } from "./tuple-reader.ts";

// `wanted` are the channels still without a value when the walk reaches a checkpoint; it ends when none is left.
const READ_HISTORY = `with recursive start as (
  select parent_checkpoint_id as id from checkpoint
  where thread_id = $1 and checkpoint_ns = $2 and ($3::text is null or checkpoint_id = $3)
  order by epoch desc, checkpoint_id desc limit 1
), walk as (
  select c.checkpoint_id, c.parent_checkpoint_id, c.body, c.channels, c.metadata, c.lists, 1 as depth, $4::text[] as wanted
  from start join checkpoint c on c.thread_id = $1 and c.checkpoint_ns = $2 and c.checkpoint_id = start.id
  union all
  select c.checkpoint_id, c.parent_checkpoint_id, c.body, c.channels, c.metadata, c.lists, w.depth + 1, left_over.channels
  from walk w
  cross join lateral (
    select array_agg(x) as channels from unnest(w.wanted) as x where not ${hasChannel("w", "x")}
  ) left_over
  join checkpoint c on c.thread_id = $1 and c.checkpoint_ns = $2 and c.checkpoint_id = w.parent_checkpoint_id
  where left_over.channels is not null
), found as materialized (
  select w.*, exists (select 1 from unnest(w.wanted) as x where ${hasChannel("w", "x")}) as has_seed
  from walk w
), pending as materialized (
  ${pendingOf("found")}
), ref as (
  select lists from found where has_seed union all select lists from pending
), span as materialized (${RANGES})
select 0 as kind, f.checkpoint_id as a, f.parent_checkpoint_id as b,
  case when f.has_seed then f.body else '{"v":4,"c":{}}' end as c, f.metadata::text as d,
  case when f.has_seed then f.lists::text end as lists, f.depth as n, null::int4 as m
from found f
union all
select ${WRITE_COLUMNS} from pending w
union all
${ITEMS_OF_SPANS}`;

/** Which history is asked for. */
export interface DeltaHistoryRequest {
  readonly checkpointNs: string;
  /** @default the newest of the namespace */
  readonly checkpointId: string | undefined;
  readonly channels: string[];
}

/** Per channel the value at the nearest ancestor that has one, and the writes on the way from there, oldest first. */
export async function readDeltaHistory(
  pool: Queryable,
  serde: SerializerProtocol,
  session: ThreadSession,
  { checkpointNs, checkpointId, channels }: DeltaHistoryRequest,
): Promise<Record<string, DeltaChannelHistory>> {
  const { threadId, entry } = session;
  const { rows } = await pool.query<ReadRow>({
    name: "holdfast_read_delta_history",
    text: READ_HISTORY,
    values: [threadId, checkpointNs, checkpointId ?? null, channels],
    rowMode: "array",
  });
  const cipher = cipherOf(pool);
  const ancestors: { depth: number; stored: StoredCheckpoint }[] = [];
  const groups = new Map<string, StoredWriteGroup[]>();
  for (const row of rows) {
    if (row[0] === CHECKPOINT_ROW)
      ancestors.push({ depth: row[6] as number, stored: storedOf(cipher, threadId, checkpointNs, row) });
    else if (row[0] === ITEM_ROW) putItem(entry.items, cipher, row);
    else groups.set(row[4] as string, [...(groups.get(row[4] as string) ?? []), groupOf(cipher, row)]);
  }
  ancestors.sort((a, b) => a.depth - b.depth);
  const lists = ancestors.flatMap(({ stored }) => [...listsOf(stored, groups.get(stored.checkpointId) ?? [])]);
  for (const segments of lists) session.avoid(segments);
  const reader = new TupleReader(serde, entry.items, session);
  const result = await withItems(pool, threadId, entry.items, lists, () => {
    const histories: Record<string, DeltaChannelHistory> = {};
    for (const channel of channels) histories[channel] = startHistory(reader, channel, ancestors, groups);
    return histories;
  });
  await reader.finish();
  return result;
}

function startHistory(
  reader: TupleReader,
  channel: string,
  ancestors: { stored: StoredCheckpoint }[],
  groups: ReadonlyMap<string, StoredWriteGroup[]>,
): DeltaChannelHistory {
  const steps: CheckpointPendingWrite[][] = [];
  let seed: StoredValue | undefined;
  for (const { stored } of ancestors) {
    const own = sortGroups(groups.get(stored.checkpointId) ?? []).map((group) => ({
      ...group,
      writes: group.writes.filter((write) => write.channel === channel),
    }));
    steps.push(reader.startWrites(own));
    seed = stored.values.get(channel);
    if (seed !== undefined) break;
  }
  const history: DeltaChannelHistory = { writes: steps.reverse().flat() };
  if (seed !== undefined) {
    history.seed = reader.startValue(seed, (late) => {
      history.seed = late;
    });
  }
  return history;
}
