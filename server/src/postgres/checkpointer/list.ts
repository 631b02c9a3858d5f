// Lists checkpoints newest first, page by page; the items of a page are read once and shared by its checkpoints.
import type { RunnableConfig } from "@langchain/core/runnables";
import type { CheckpointListOptions, CheckpointTuple, SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { cipherOf } from "../content/cipher-of.ts";
import type { ContentCipher } from "../content/content-cipher.ts";
import type { Queryable } from "../statement.ts";
import { ThreadItems } from "./cache.ts";
import { addLegacySends, hasLegacySends } from "./legacy-sends.ts";
import type { Segment } from "./list-segments.ts";
import {
  CHECKPOINT_COLUMNS,
  groupOf,
  listsOf,
  type ReadRow,
  storedOf,
  WRITE_COLUMNS,
  withItems,
} from "./read-statement.ts";
import type { StoredCheckpoint, StoredWriteGroup } from "./stored-checkpoint.ts";
import type { ThreadSession } from "./thread-session.ts";
import { TupleReader } from "./tuple-reader.ts";

/** Checkpoints read at a time. */
const PAGE_SIZE = 100;

interface Page {
  readonly rows: StoredCheckpoint[];
  readonly groups: Map<StoredCheckpoint, StoredWriteGroup[]>;
}

/** Checkpoints that fit the configuration and options. A consumer that stops early stops the reading. */
export async function* listCheckpoints(
  pool: Queryable,
  serde: SerializerProtocol,
  session: ThreadSession | undefined,
  config: RunnableConfig,
  options: CheckpointListOptions = {},
): AsyncGenerator<CheckpointTuple> {
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let after: StoredCheckpoint | undefined;
  while (left > 0) {
    const size = Math.min(left, PAGE_SIZE);
    const page = await readPage(pool, config, options, after, size);
    const tuples = await readTuples(pool, serde, session, page);
    yield* tuples;
    if (page.rows.length < size) return;
    left -= size;
    after = page.rows.at(-1);
  }
}

/** The rows of one page and, in the same statement, their pending writes. */
async function readPage(
  pool: Queryable,
  config: RunnableConfig,
  { before, filter }: CheckpointListOptions,
  after: StoredCheckpoint | undefined,
  size: number,
): Promise<Page> {
  const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
  const values: unknown[] = [];
  const conditions: string[] = [];
  const where = (condition: (placeholder: string) => string, value: unknown): void => {
    if (value === undefined || value === null) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  where((value) => `thread_id = ${value}`, thread_id);
  where((value) => `checkpoint_ns = ${value}`, checkpoint_ns);
  where((value) => `checkpoint_id = ${value}`, checkpoint_id || undefined);
  // Within a thread the epoch goes before the id; over all threads there is no common one.
  const isOfThread = thread_id !== undefined && thread_id !== null;
  const epochOf = (id: string) =>
    `(select max(k.epoch) from checkpoint k where k.thread_id = $1 and k.checkpoint_id = ${id})`;
  where(
    (value) =>
      isOfThread
        ? `(epoch, checkpoint_id) < (coalesce(${epochOf(value)}, epoch), ${value})`
        : `checkpoint_id < ${value}`,
    before?.configurable?.checkpoint_id,
  );
  const hasFilter = filter !== undefined && Object.keys(filter).length > 0;
  where((value) => `metadata @> ${value}::jsonb`, hasFilter ? JSON.stringify(filter) : undefined);
  if (after !== undefined) {
    values.push(after.checkpointId, after.threadId, after.checkpointNs);
    const [id, thread, ns] = [values.length - 2, values.length - 1, values.length];
    conditions.push(
      isOfThread
        ? `(epoch, checkpoint_id, thread_id, checkpoint_ns) < (${epochOf(`$${id}`)}, $${id}, $${thread}, $${ns})`
        : `(checkpoint_id, thread_id, checkpoint_ns) < ($${id}, $${thread}, $${ns})`,
    );
  }
  values.push(size);
  const text = `with page as materialized (
    select * from checkpoint ${conditions.length === 0 ? "" : `where ${conditions.join(" and ")}`}
    order by ${isOfThread ? "epoch desc, " : ""}checkpoint_id desc, thread_id desc, checkpoint_ns desc limit $${values.length}
  )
  select ${CHECKPOINT_COLUMNS}, t.thread_id, t.checkpoint_ns from page t
  union all
  select ${WRITE_COLUMNS}, w.thread_id, w.checkpoint_ns
  from page t cross join lateral (
    select * from checkpoint_write
    where thread_id = t.thread_id and checkpoint_ns = t.checkpoint_ns and checkpoint_id = t.checkpoint_id offset 0
  ) w`;
  const { rows } = await pool.query<[...ReadRow, string, string]>({ text, values, rowMode: "array" });
  return pageOf(cipherOf(pool), rows);
}

function pageOf(cipher: ContentCipher, rows: [...ReadRow, string, string][]): Page {
  const stored = new Map<string, StoredCheckpoint>();
  const groups = new Map<StoredCheckpoint, StoredWriteGroup[]>();
  const writes: [...ReadRow, string, string][] = [];
  for (const row of rows) {
    if (row[0] !== 0) {
      writes.push(row);
      continue;
    }
    const checkpoint = storedOf(cipher, row[8], row[9], row as unknown as ReadRow);
    stored.set(`${row[8]}\n${row[9]}\n${row[1]}`, checkpoint);
    groups.set(checkpoint, []);
  }
  for (const row of writes) {
    const checkpoint = stored.get(`${row[8]}\n${row[9]}\n${row[4]}`);
    if (checkpoint !== undefined) groups.get(checkpoint)?.push(groupOf(cipher, row as unknown as ReadRow));
  }
  const sorted = [...stored.values()].sort(newestFirst);
  return { rows: sorted, groups };
}

function newestFirst(a: StoredCheckpoint, b: StoredCheckpoint): number {
  return (
    compareDescending(a.checkpointId, b.checkpointId) ||
    compareDescending(a.threadId, b.threadId) ||
    compareDescending(a.checkpointNs, b.checkpointNs)
  );
}

function compareDescending(a: string, b: string): number {
  return Buffer.compare(Buffer.from(b), Buffer.from(a));
}

async function readTuples(
  pool: Queryable,
  serde: SerializerProtocol,
  session: ThreadSession | undefined,
  { rows, groups }: Page,
): Promise<CheckpointTuple[]> {
  const known = new Map<string, { items: ThreadItems; reader: TupleReader }>();
  const listsByThread = new Map<string, (readonly Segment[])[]>();
  for (const row of rows) {
    const lists = [...listsOf(row, groups.get(row) ?? [])];
    for (const segments of lists) session?.avoid(segments);
    listsByThread.set(row.threadId, [...(listsByThread.get(row.threadId) ?? []), ...lists]);
  }
  for (const [threadId, lists] of listsByThread) {
    const items = session?.entry.items ?? new ThreadItems();
    known.set(threadId, { items, reader: new TupleReader(serde, items, session, true) });
    await withItems(pool, threadId, items, lists, () => undefined);
  }
  const tuples: CheckpointTuple[] = [];
  for (const row of rows) {
    const own = groups.get(row) ?? [];
    const { items, reader } = known.get(row.threadId) as { items: ThreadItems; reader: TupleReader };
    const read = (): Promise<CheckpointTuple> => reader.readTuple(row, own);
    tuples.push(await withItems(pool, row.threadId, items, [...listsOf(row, own)], read));
    session?.addCheckpoint(row);
  }
  for (const tuple of tuples) if (hasLegacySends(tuple)) await addLegacySends(pool, serde, [tuple]);
  return tuples;
}
