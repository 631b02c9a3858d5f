// Filtering threads by values that their rows leave out: the channels are read from the checkpoints, in bounded batches.
import { InvalidRequestError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { ReadOmittedValues } from "./checkpoint-tables.ts";
import { containsJson } from "./json-containment.ts";
import { execute, Parameters, type Queryable } from "./statement.ts";

/** Threads whose omitted channels one search may read; a search that needs more is refused, so that totals stay true. */
const CANDIDATES_MAX = 1_000;
/** Threads whose channels are held in memory at once. */
const BATCH_MAX = 50;

/**
 * Ids of the threads `t` that satisfy the condition and the filter, where the filter names a channel that the row omits.
 * @throws InvalidRequestError when more than 1,000 threads would have to be read.
 */
export async function findThreadsByOmittedValues(
  db: Queryable,
  filter: JsonObject,
  condition: { text: string; parameters: Parameters },
  readOmittedValues: ReadOmittedValues,
): Promise<string[]> {
  const channels = Object.keys(filter).filter((channel) => filter[channel] !== undefined);
  const parameters = new Parameters(condition.parameters.values);
  const wanted = `${parameters.add(channels)}::text[]`;
  const candidates = await execute<{ thread_id: string; head_checkpoint_id: string; channels: string[] }>(
    db,
    `select t.thread_id, t.head_checkpoint_id,
       array(select channel from unnest(t.omitted_channels) as channel where channel = any(${wanted})) as channels
     from thread t
     where ${condition.text} and t.omitted_channels && ${wanted} and t.head_checkpoint_id is not null
       and coalesce(t."values", '{}') @> (${parameters.addJson(filter)} - t.omitted_channels)
     limit ${CANDIDATES_MAX + 1}`,
    parameters.values,
  );
  if (candidates.length > CANDIDATES_MAX) {
    throw new InvalidRequestError(
      `The values filter names long lists (${channels.join(", ")}) of more than ${CANDIDATES_MAX} threads. Narrow the search by metadata, status or ids.`,
    );
  }
  const matches: string[] = [];
  for (let start = 0; start < candidates.length; start += BATCH_MAX) {
    const batch = candidates.slice(start, start + BATCH_MAX);
    const values = await readOmittedValues(
      batch.map((row) => ({ threadId: row.thread_id, checkpointId: row.head_checkpoint_id, channels: row.channels })),
    );
    for (const row of batch) {
      const pattern = Object.fromEntries(row.channels.map((channel) => [channel, filter[channel]]));
      if (containsJson(values.get(row.thread_id), pattern)) matches.push(row.thread_id);
    }
  }
  return matches;
}
