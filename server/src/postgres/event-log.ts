// The append-only log of runs' stream events: fenced batched appends, batched reads for many readers at once.
import type { Pool } from "pg";
import { LeaseLostError } from "../domain/errors.ts";
import type { EventCursor, EventLog, Fence, RunOutcomeRecord } from "../domain/ports/run-queue.ts";
import type { RunError, RunStatus } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { eventArrays } from "./run-end.ts";

const APPEND = `
  with fence as materialized (
    select 1 from thread where thread_id = $1::uuid and epoch = $2::bigint for share
  ), logged as (
    insert into run_event (run_id, seq, event, data)
    select $3::uuid, u.seq, u.event, u.data
    from unnest($4::int[], $5::text[], $6::text[]) as u (seq, event, data), fence
    on conflict (run_id, seq) do nothing
  )
  select 1 from fence`;

const READ = `
  select c.run_id, e.seq, e.event, e.data
  from unnest($1::uuid[], $2::int[]) as c (run_id, after_seq)
  cross join lateral (
    select seq, event, data from run_event where run_id = c.run_id and seq > c.after_seq order by seq limit $3
  ) e
  order by c.run_id, e.seq`;

export class PostgresEventLog implements EventLog {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async appendEvents(fence: Fence, events: StreamEvent[]): Promise<void> {
    const result = await this.#pool.query({
      name: "append_events",
      text: APPEND,
      values: [fence.threadId, fence.epoch, fence.runId, ...eventArrays(events)],
    });
    if (result.rows.length === 0) throw new LeaseLostError(fence.threadId);
  }

  async readEvents(cursors: EventCursor[], countMax: number): Promise<Map<string, StreamEvent[]>> {
    const result = await this.#pool.query<StreamEvent & { run_id: string }>({
      name: "read_events",
      text: READ,
      values: [cursors.map((cursor) => cursor.runId), cursors.map((cursor) => cursor.afterSeq), countMax],
    });
    const byRun = new Map<string, StreamEvent[]>();
    for (const { run_id, seq, event, data } of result.rows) {
      const events = byRun.get(run_id);
      if (events === undefined) byRun.set(run_id, [{ seq, event, data }]);
      else events.push({ seq, event, data });
    }
    return byRun;
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
      error: row.error,
      valuesJson: row.values,
      areValuesPartial: row.is_partial,
      interrupts: row.interrupts,
    };
  }
}
