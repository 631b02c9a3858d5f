// A row of the thread table and the thread it stands for; values that the row leaves out are read from the checkpoints in one batch.
import type { GraphConfig } from "../domain/assistant.ts";
import type { JsonObject } from "../domain/json.ts";
import type { InterruptRecord, Thread, ThreadStatus, ThreadTtl } from "../domain/thread.ts";
import type { OmittedValuesRequest, ReadOmittedValues } from "./checkpoint-tables.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { openError } from "./content/sealed-columns.ts";

export interface ThreadRow {
  thread_id: string;
  status: ThreadStatus;
  metadata: JsonObject;
  config: GraphConfig;
  values: JsonObject | null;
  omitted_channels: string[];
  head_checkpoint_id: string | null;
  interrupts: Record<string, InterruptRecord[]>;
  error: JsonObject | null;
  ttl_strategy: ThreadTtl["strategy"] | null;
  ttl_minutes: number | null;
  expires_at: Date | null;
  created_at: Date;
  updated_at: Date;
  state_updated_at: Date | null;
}

/** Threads of stateless runs that have ended are gone for every reader, though the sweep has not removed them yet. */
export const IS_VISIBLE_THREAD = "not (t.is_temporary and t.ended_at is not null)";

/** The columns `toThread` needs of a table or CTE `t`; without values the row's largest part is never read. */
export function threadColumns(options: { withValues: boolean } = { withValues: true }): string {
  const values = options.withValues
    ? `t."values", t.omitted_channels`
    : `null::jsonb as "values", '{}'::text[] as omitted_channels`;
  return `t.thread_id, t.status, t.metadata, t.config, ${values}, t.head_checkpoint_id, t.interrupts, t.error,
    t.ttl_strategy, t.ttl_minutes, t.expires_at, t.created_at, t.updated_at, t.state_updated_at`;
}

/** The threads of the rows in their order, with the channels that the rows omit: at most one further read, however many rows. */
export async function toThreads(
  cipher: ContentCipher,
  rows: ThreadRow[],
  readOmittedValues: ReadOmittedValues,
): Promise<Thread[]> {
  const requests = rows.flatMap(omittedValuesRequest);
  const omitted = requests.length === 0 ? new Map<string, JsonObject>() : await readOmittedValues(requests);
  return rows.map((row) => toThread(cipher, row, omitted.get(row.thread_id)));
}

function omittedValuesRequest(row: ThreadRow): OmittedValuesRequest[] {
  if (row.omitted_channels.length === 0 || row.head_checkpoint_id === null) return [];
  return [{ threadId: row.thread_id, checkpointId: row.head_checkpoint_id, channels: row.omitted_channels }];
}

function toThread(cipher: ContentCipher, row: ThreadRow, omittedValues: JsonObject | undefined): Thread {
  const values = cipher.openJson("thread_values", row.values);
  return {
    threadId: row.thread_id,
    status: row.status,
    metadata: row.metadata,
    config: row.config,
    values: omittedValues === undefined ? values : { ...values, ...omittedValues },
    interrupts: cipher.openJson("thread_interrupts", row.interrupts),
    error: openError(cipher, "thread_error", row.error),
    ttl: toTtl(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    stateUpdatedAt: row.state_updated_at,
  };
}

function toTtl(row: ThreadRow): ThreadTtl | null {
  if (row.ttl_strategy === null || row.ttl_minutes === null || row.expires_at === null) return null;
  return { strategy: row.ttl_strategy, ttlMinutes: row.ttl_minutes, expiresAt: row.expires_at };
}
