// The append-only log of runs' stream events: fenced batched appends, batched reads for many readers at once.
import type { Pool } from "pg";
import { LeaseLostError, SealedContentError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { EventCursor, EventLog, EventPage, Fence, RunOutcomeRecord } from "../domain/ports/run-queue.ts";
import type { RunError, RunStatus } from "../domain/run.ts";
import type { OmittedLists, StreamEvent } from "../domain/stream-event.ts";
import type { ReadOmittedValues } from "./checkpoint-tables.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { openRunError, openValuesText } from "./content/sealed-columns.ts";
import { eventArrays } from "./run-end.ts";

const APPEND = `
  with fence as materialized (
    select 1 from thread where thread_id = $1::uuid and epoch = $2::bigint for share
  ), logged as (
    insert into run_event (run_id, seq, event, data, omitted)
    select $3::uuid, u.seq, u.event, u.data, u.omitted
    from unnest($4::int[], $5::text[], $6::text[], $7::jsonb[]) as u (seq, event, data, omitted), fence
    on conflict (run_id, seq) do nothing
  )
  select 1 from fence`;

const READ = `
  select c.run_id, e.seq, e.event, e.data, e.omitted
  from unnest($1::uuid[], $2::int[]) as c (run_id, after_seq)
  cross join lateral (
    select seq, event, data, omitted from run_event where run_id = c.run_id and seq > c.after_seq order by seq limit $3
  ) e
  order by c.run_id, e.seq`;

/** Characters after which a page of one run's events ends; values of long threads are megabytes each. */
const PAGE_CHARS_MAX = 4 * 1024 * 1024;

interface EventRow {
  run_id: string;
  seq: number;
  event: string;
  data: string;
  omitted: OmittedLists | null;
}

export class PostgresEventLog implements EventLog {
  readonly #pool: Pool;
  readonly #readOmittedValues: ReadOmittedValues;
  readonly #cipher: ContentCipher;

  constructor(pool: Pool, readOmittedValues: ReadOmittedValues) {
    this.#pool = pool;
    this.#readOmittedValues = readOmittedValues;
    this.#cipher = cipherOf(pool);
  }

  async appendEvents(fence: Fence, events: StreamEvent[]): Promise<void> {
    const result = await this.#pool.query({
      name: "append_events",
      text: APPEND,
      values: [fence.threadId, fence.epoch, fence.runId, ...eventArrays(this.#cipher, events)],
    });
    if (result.rows.length === 0) throw new LeaseLostError(fence.threadId);
  }

  async readEvents(cursors: EventCursor[], countMax: number): Promise<Map<string, EventPage>> {
    const result = await this.#pool.query<EventRow>({
      name: "read_events",
      text: READ,
      values: [cursors.map((cursor) => cursor.runId), cursors.map((cursor) => cursor.afterSeq), countMax],
    });
    const pages = new Map<string, EventPage & { chars: number }>();
    for (const row of result.rows) {
      const page = pages.get(row.run_id) ?? { events: [], isMore: false, chars: 0 };
      pages.set(row.run_id, page);
      if (page.chars > PAGE_CHARS_MAX) {
        page.isMore = true;
        continue;
      }
      const { event, data } = await this.#open(row);
      page.events.push({ seq: row.seq, event, data });
      page.chars += data.length;
      if (page.events.length === countMax) page.isMore = true;
    }
    return pages;
  }

  /** One that this process has no key for is told as an error in its place: other runs are read by the same statement. */
  async #open(row: EventRow): Promise<{ event: string; data: string }> {
    try {
      const text = this.#cipher.open("run_event", row.data);
      return { event: row.event, data: row.omitted === null ? text : await this.#readWhole(text, row.omitted) };
    } catch (error) {
      if (!(error instanceof SealedContentError)) throw error;
      return { event: "error", data: JSON.stringify({ error: error.name, message: error.message }) };
    }
  }

  /** Puts the lists back that checkpoints hold; one whose checkpoint was pruned is missing then. */
  async #readWhole(data: string, { threadId, checkpointIds, within }: OmittedLists): Promise<string> {
    const event = JSON.parse(data) as JsonObject;
    const values = within === undefined ? event : (event[within] as JsonObject);
    for (const [channel, checkpointId] of Object.entries(checkpointIds)) {
      const read = await this.#readOmittedValues([{ threadId, checkpointId, channels: [channel] }]);
      values[channel] = read.get(threadId)?.[channel];
    }
    return JSON.stringify(event);
  }

  async readStatuses(runIds: string[]): Promise<Map<string, RunStatus>> {
    const result = await this.#pool.query<{ run_id: string; status: RunStatus }>({
      name: "read_statuses",
      text: "select run_id, status from run where run_id = any($1::uuid[])",
      values: [runIds],
    });
    return new Map(result.rows.map((row) => [row.run_id, row.status]));
  }

  async readOutcome(runId: string): Promise<RunOutcomeRecord | undefined> {
    const result = await this.#pool.query<{
      thread_id: string;
      error: RunError | null;
      values: string | null;
      is_partial: boolean;
      interrupts: RunOutcomeRecord["interrupts"];
    }>({
      name: "read_outcome",
      text: `select t.thread_id, r.error, t.values::text as values, t.omitted_channels <> '{}' as is_partial, t.interrupts
             from run r join thread t on t.thread_id = r.thread_id where r.run_id = $1`,
      values: [runId],
    });
    const row = result.rows[0];
    if (row === undefined) return undefined;
    return {
      threadId: row.thread_id,
      error: openRunError(this.#cipher, row.error),
      valuesJson: openValuesText(this.#cipher, row.values),
      areValuesPartial: row.is_partial,
      interrupts: this.#cipher.openJson("thread_interrupts", row.interrupts),
    };
  }
}
