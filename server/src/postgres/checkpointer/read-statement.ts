// The statements that read checkpoints: a row, its pending writes and the items both refer to in one round trip.
import { cipherOf } from "../content/cipher-of.ts";
import type { ContentCipher } from "../content/content-cipher.ts";
import type { Queryable } from "../statement.ts";
import type { ThreadItems } from "./cache.ts";
import type { Segment } from "./list-segments.ts";
import { parseBody, parseWrites, type StoredCheckpoint, type StoredWriteGroup } from "./stored-checkpoint.ts";

/** Rows of every reading statement: kind, then columns whose meaning depends on it. */
export type ReadRow = [
  kind: 0 | 1 | 2 | 3,
  a: string | null,
  b: string | null,
  c: string | null,
  d: string | null,
  lists: string | null,
  n: number | null,
  m: number | null,
];

/** A checkpoint: id, parent, body, metadata, lists. */
export const CHECKPOINT_ROW = 0;
/** Pending writes: task, path, body, lists, idx; of checkpoint `d` where several are read. */
export const WRITE_ROW = 1;
/** An item: body, list, position. Kind 3 is the end of a list: list, next free position. */
export const ITEM_ROW = 2;

/** The columns of checkpoint `t` as a row. */
export const CHECKPOINT_COLUMNS = `0 as kind, t.checkpoint_id as a, t.parent_checkpoint_id as b, t.body as c,
  t.metadata::text as d, t.lists::text as lists, null::int4 as n, null::int4 as m`;

/** The columns of checkpoint_write `w` as a row. */
export const WRITE_COLUMNS = "1, w.task_id, w.task_path, w.body, w.checkpoint_id, w.lists::text, w.idx, null::int4";

/** From a relation `ref` of `lists` columns: per list the range that covers all its segments. */
export const RANGES = `select r.lists[s + 1] as list_id, min(r.lists[s + 2]) as first, max(r.lists[s + 3]) as past
  from ref r cross join lateral generate_series(1, cardinality(r.lists), 4) as s
  group by 1`;

/**
 * The pending writes of the checkpoints of a relation `target`, in the namespace `$2` of the thread `$1`. A lateral subquery with an
 * offset is looked up row by row through the whole primary key; as a plain join the planner, which takes a thread for small, may read
 * all writes of the thread and compare afterwards, and a turn would cost more the longer the thread is.
 */
export const pendingOf = (target: string): string => `select w.* from ${target} t cross join lateral (
    select * from checkpoint_write where thread_id = $1 and checkpoint_ns = $2 and checkpoint_id = t.checkpoint_id offset 0
  ) w`;

/** The items of a relation `span` of ranges, for the thread `$1`; row by row, as above. */
export const ITEMS_OF_SPANS = `select 2, null, null, i.body, null, null, s.list_id, i.position
  from span s cross join lateral (
    select position, body from checkpoint_item
    where thread_id = $1 and list_id = s.list_id and position >= s.first and position < s.past offset 0
  ) i`;

const readStatement = (isHead: boolean): string => `with target as materialized (
  select * from checkpoint where thread_id = $1 and checkpoint_ns = $2
  ${isHead ? "order by epoch desc, checkpoint_id desc limit 1" : "and checkpoint_id = $7"}
), pending as materialized (
  ${pendingOf("target")}
), ref as (
  select lists from target union all select lists from pending
), span as materialized (
  select r.list_id,
    case when k.first <= r.first then greatest(r.first, k.past) else r.first end as first, r.past
  from (${RANGES}) r
  left join unnest($4::int4[], $5::int4[], $6::int4[]) as k(list_id, first, past) on k.list_id = r.list_id
)
select 0 as kind, t.checkpoint_id as a, t.parent_checkpoint_id as b,
  case when t.checkpoint_id = $3 then null else t.body end as c,
  case when t.checkpoint_id = $3 then null else t.metadata::text end as d,
  case when t.checkpoint_id = $3 then null else t.lists::text end as lists, null::int4 as n, null::int4 as m
from target t
union all
select ${WRITE_COLUMNS} from pending w
union all
${ITEMS_OF_SPANS}
union all
select 3, null, null, null, null, null, s.list_id,
  (select max(i.position) + 1 from checkpoint_item i where i.thread_id = $1 and i.list_id = s.list_id)
from span s`;

const READ_HEAD = readStatement(true);
const READ_BY_ID = readStatement(false);

/** What a read found. */
export interface ReadCheckpoint {
  readonly stored: StoredCheckpoint;
  readonly groups: StoredWriteGroup[];
  /** Lists the checkpoint refers to and where they end. */
  readonly ends: Map<number, number>;
}

/**
 * Reads a checkpoint, the newest of its namespace if no id is given. Items and the body are left out where they are
 * known already; new items are added to `items`. Use them through `withItems`.
 */
export async function readCheckpoint(
  pool: Queryable,
  threadId: string,
  checkpointNs: string,
  checkpointId: string | undefined,
  items: ThreadItems,
  known: StoredCheckpoint | undefined,
): Promise<ReadCheckpoint | undefined> {
  const { lists, from, to } = items.ranges();
  const values: unknown[] = [threadId, checkpointNs, known?.checkpointId ?? null, lists, from, to];
  if (checkpointId !== undefined) values.push(checkpointId);
  const name = checkpointId === undefined ? "holdfast_read_head" : "holdfast_read_checkpoint";
  const text = checkpointId === undefined ? READ_HEAD : READ_BY_ID;
  const { rows } = await pool.query<ReadRow>({ name, text, values, rowMode: "array" });
  const cipher = cipherOf(pool);
  let stored: StoredCheckpoint | undefined;
  const groups: StoredWriteGroup[] = [];
  const ends = new Map<number, number>();
  for (const row of rows) {
    if (row[0] === CHECKPOINT_ROW)
      stored = row[3] === null ? withParent(known, row[2]) : storedOf(cipher, threadId, checkpointNs, row);
    else if (row[0] === WRITE_ROW) groups.push(groupOf(cipher, row));
    else if (row[0] === ITEM_ROW) putItem(items, cipher, row);
    else if (row[7] !== null) ends.set(row[6] as number, row[7]);
  }
  if (stored === undefined) return undefined;
  return { stored, groups, ends };
}

/** A checkpoint never changes but for its parent, which another process may have pruned since. */
function withParent(known: StoredCheckpoint | undefined, parentId: string | null): StoredCheckpoint | undefined {
  return known === undefined || known.parentId === (parentId ?? undefined)
    ? known
    : { ...known, parentId: parentId ?? undefined };
}

/** The stored checkpoint of a row. */
export function storedOf(
  cipher: ContentCipher,
  threadId: string,
  checkpointNs: string,
  row: ReadRow,
): StoredCheckpoint {
  return {
    threadId,
    checkpointNs,
    checkpointId: row[1] as string,
    parentId: row[2] ?? undefined,
    metadata: row[4] as string,
    ...parseBody(cipher.open("checkpoint", row[3] as string), row[5]),
  };
}

/** The pending writes of a row. */
export function groupOf(cipher: ContentCipher, row: ReadRow): StoredWriteGroup {
  return {
    taskId: row[1] as string,
    taskPath: row[2] as string,
    idx: row[6] as number,
    writes: parseWrites(cipher.open("checkpoint_write", row[3] as string), row[5]),
  };
}

/** Takes in an item's row. */
export function putItem(items: ThreadItems, cipher: ContentCipher, row: ReadRow): void {
  items.put(row[6] as number, row[7] as number, cipher.open("checkpoint_item", row[3] as string));
}

/** All segments that a checkpoint and pending writes refer to. */
export function* listsOf(stored: StoredCheckpoint, groups: Iterable<StoredWriteGroup>): Generator<readonly Segment[]> {
  for (const value of stored.values.values()) yield* value.lists;
  for (const { writes } of groups) for (const { value } of writes) yield* value.lists;
}

const READ_ITEMS = `with span as (select * from unnest($2::int4[], $3::int4[], $4::int4[]) as s(list_id, first, past))
${ITEMS_OF_SPANS}`;

/** Attempts to have all items of a read at hand: others share the memory and may trim it in between. */
const FETCHES_MAX = 5;

/**
 * Reads the items of segments that are not known yet, then calls `use` in the same instant. An item that is not in the
 * database either is left to `use` to miss.
 */
export async function withItems<T>(
  pool: Queryable,
  threadId: string,
  items: ThreadItems,
  lists: readonly (readonly Segment[])[],
  use: () => T,
): Promise<T> {
  for (let fetches = 0; fetches < FETCHES_MAX; fetches++) {
    const spans = missingSpans(items, lists);
    if (spans.size === 0) break;
    const ranges = [...spans.values()];
    const values = [threadId, [...spans.keys()], ranges.map(({ from }) => from), ranges.map(({ to }) => to)];
    const query = { name: "holdfast_read_items", text: READ_ITEMS, values, rowMode: "array" as const };
    const { rows } = await pool.query<ReadRow>(query);
    for (const row of rows) putItem(items, cipherOf(pool), row);
  }
  return use();
}

function missingSpans(
  items: ThreadItems,
  lists: readonly (readonly Segment[])[],
): Map<number, { from: number; to: number }> {
  const spans = new Map<number, { from: number; to: number }>();
  for (const segments of lists)
    for (const { list, from, to } of segments)
      for (let position = from; position < to; position++) {
        if (items.has(list, position)) continue;
        const span = spans.get(list);
        if (span === undefined) spans.set(list, { from: position, to: position + 1 });
        else {
          span.from = Math.min(span.from, position);
          span.to = Math.max(span.to, position + 1);
        }
      }
  return spans;
}
