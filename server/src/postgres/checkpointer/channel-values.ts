// Reads the channel values of many threads at once, for lists of threads: two statements however many there are.
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { cipherOf } from "../content/cipher-of.ts";
import type { Queryable } from "../statement.ts";
import { ThreadItems } from "./cache.ts";
import { CHECKPOINT_COLUMNS, type ReadRow, storedOf } from "./read-statement.ts";
import type { StoredCheckpoint, StoredValue } from "./stored-checkpoint.ts";
import { TupleReader } from "./tuple-reader.ts";

/** Which values are wanted of a thread. */
export interface ValuesRequest {
  readonly threadId: string;
  /** A checkpoint of the root namespace. @default its newest */
  readonly checkpointId?: string;
  /** @default all channels */
  readonly channels?: readonly string[];
}

/** The values of one checkpoint. */
export interface ChannelValues {
  readonly checkpointId: string;
  readonly channelValues: Record<string, unknown>;
}

// One checkpoint, or the newest, with the same statement; of the two halves only one is carried out.
const READ_CHECKPOINTS = `select ${CHECKPOINT_COLUMNS}, r.thread_id
from unnest($1::text[], $2::text[]) as r(thread_id, checkpoint_id)
cross join lateral (
  (select * from checkpoint c
  where r.checkpoint_id is null and c.thread_id = r.thread_id and c.checkpoint_ns = ''
  order by c.epoch desc, c.checkpoint_id desc limit 1)
  union all
  select * from checkpoint c
  where c.thread_id = r.thread_id and c.checkpoint_ns = '' and c.checkpoint_id = r.checkpoint_id
) t`;

// Row by row through the whole primary key, whatever the planner thinks of the size of a thread.
const READ_ITEMS = `select s.thread_id, s.list_id, i.position, i.body
from unnest($1::text[], $2::int4[], $3::int4[], $4::int4[]) as s(thread_id, list_id, first, past)
cross join lateral (
  select position, body from checkpoint_item
  where thread_id = s.thread_id and list_id = s.list_id and position >= s.first and position < s.past offset 0
) i`;

/** The newest values of the root namespace of many threads; threads without checkpoints are left out. */
export async function readHeadValues(db: Queryable, threadIds: readonly string[]): Promise<Map<string, ChannelValues>> {
  return readChannelValues(
    db,
    threadIds.map((threadId) => ({ threadId })),
  );
}

/** The values of one checkpoint per thread, by thread; threads without that checkpoint are left out. */
export async function readChannelValues(
  db: Queryable,
  requests: readonly ValuesRequest[],
  serde: SerializerProtocol = new JsonPlusSerializer(),
): Promise<Map<string, ChannelValues>> {
  const found = await readCheckpoints(db, requests);
  const items = await readItems(db, found);
  const result = new Map<string, ChannelValues>();
  for (const stored of found) {
    const reader = new TupleReader(serde, items.get(stored.threadId) ?? new ThreadItems());
    const channelValues = reader.startValues(stored);
    await reader.finish();
    result.set(stored.threadId, { checkpointId: stored.checkpointId, channelValues });
  }
  return result;
}

/** The checkpoints, each with the wanted channels only. */
async function readCheckpoints(db: Queryable, requests: readonly ValuesRequest[]): Promise<StoredCheckpoint[]> {
  const values = [requests.map(({ threadId }) => threadId), requests.map(({ checkpointId }) => checkpointId ?? null)];
  const query = { name: "holdfast_read_many_checkpoints", text: READ_CHECKPOINTS, values, rowMode: "array" as const };
  const { rows } = await db.query<[...ReadRow, string]>(query);
  const channelsOf = new Map(requests.map(({ threadId, channels }) => [threadId, channels]));
  return rows.map((row) => {
    const stored = storedOf(cipherOf(db), row[8], "", row as unknown as ReadRow);
    const channels = channelsOf.get(row[8]);
    return channels === undefined ? stored : { ...stored, values: pick(stored.values, channels) };
  });
}

function pick(values: ReadonlyMap<string, StoredValue>, channels: readonly string[]): Map<string, StoredValue> {
  return new Map([...values].filter(([channel]) => channels.includes(channel)));
}

async function readItems(db: Queryable, found: readonly StoredCheckpoint[]): Promise<Map<string, ThreadItems>> {
  const columns: [string[], number[], number[], number[]] = [[], [], [], []];
  for (const stored of found)
    for (const value of stored.values.values())
      for (const { list, from, to } of value.lists.flat()) {
        columns[0].push(stored.threadId);
        columns[1].push(list);
        columns[2].push(from);
        columns[3].push(to);
      }
  const items = new Map<string, ThreadItems>();
  if (columns[0].length === 0) return items;
  const query = { name: "holdfast_read_many_items", text: READ_ITEMS, values: columns, rowMode: "array" as const };
  const { rows } = await db.query<[string, number, number, string]>(query);
  for (const [threadId, list, position, text] of rows) {
    let own = items.get(threadId);
    if (own === undefined) {
      own = new ThreadItems();
      items.set(threadId, own);
    }
    own.put(list, position, cipherOf(db).open("checkpoint_item", text));
  }
  return items;
}
