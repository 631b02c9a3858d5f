// Checkpoints of formats before 4 kept sends as pending writes of their parent; they are moved into the values on reading.
import {
  type CheckpointTuple,
  compareChannelVersions,
  type SerializerProtocol,
  TASKS,
} from "@langchain/langgraph-checkpoint";
import { cipherOf } from "../content/cipher-of.ts";
import type { Queryable } from "../statement.ts";
import { ThreadItems } from "./cache.ts";
import { groupOf, type ReadRow, WRITE_COLUMNS, withItems } from "./read-statement.ts";
import type { StoredWriteGroup } from "./stored-checkpoint.ts";
import { TupleReader } from "./tuple-reader.ts";

/** The first format that keeps sends in a channel. */
const FORMAT_WITH_SENDS = 4;

/** Whether a checkpoint's sends are with its parent. */
export function hasLegacySends(tuple: CheckpointTuple): boolean {
  return tuple.checkpoint.v < FORMAT_WITH_SENDS && tuple.parentConfig !== undefined;
}

const READ_WRITES = `select ${WRITE_COLUMNS.replace("1,", "1 as kind,")} from checkpoint_write w
where w.thread_id = $1 and w.checkpoint_ns = $2 and w.checkpoint_id = any($3::text[])`;

/** Moves the sends of the parents into the checkpoints; all tuples are of one thread and namespace. */
export async function addLegacySends(
  pool: Queryable,
  serde: SerializerProtocol,
  tuples: CheckpointTuple[],
): Promise<void> {
  const { thread_id: threadId, checkpoint_ns: checkpointNs } = tuples[0]?.config.configurable ?? {};
  const parentIds = tuples.map((tuple) => tuple.parentConfig?.configurable?.checkpoint_id as string);
  const values = [threadId, checkpointNs, parentIds];
  const { rows } = await pool.query<ReadRow>({ text: READ_WRITES, values, rowMode: "array" });
  const groups = new Map<string, StoredWriteGroup[]>(parentIds.map((id) => [id, []]));
  for (const row of rows) groups.get(row[4] as string)?.push(groupOf(cipherOf(pool), row));
  const items = new ThreadItems();
  const lists = [...groups.values()].flat().flatMap(({ writes }) => writes.flatMap(({ value }) => value.lists));
  await withItems(pool, threadId as string, items, lists, () => undefined);
  for (const tuple of tuples) {
    const parentId = tuple.parentConfig?.configurable?.checkpoint_id as string;
    const reader = new TupleReader(serde, items);
    const writes = reader.startWrites(groups.get(parentId) ?? []);
    await reader.finish();
    const { checkpoint } = tuple;
    checkpoint.channel_values[TASKS] = writes.filter(([, channel]) => channel === TASKS).map(([, , send]) => send);
    const versions = Object.values(checkpoint.channel_versions);
    checkpoint.channel_versions[TASKS] =
      versions.length === 0 ? 1 : versions.reduce((max, each) => (compareChannelVersions(max, each) >= 0 ? max : each));
  }
}
