// Measures what belongs to threads, so that a removal can tell what it freed.
import type { Freed } from "../domain/ports/retention.ts";
import { execute, type Queryable } from "./statement.ts";

const MEASURE = `
  select 'thread' as name, count(*)::int as rows, coalesce(sum(pg_column_size(x.*)), 0)::float8 as bytes
  from thread x where x.thread_id = any($1::uuid[])
  union all
  select 'run', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8 from run x where x.thread_id = any($1::uuid[])
  union all
  select 'run_event', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from run r join run_event x on x.run_id = r.run_id where r.thread_id = any($1::uuid[])
  union all
  select 'webhook_delivery', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from run r join webhook_delivery x on x.run_id = r.run_id where r.thread_id = any($1::uuid[]) and x.status <> 'pending'
  union all
  select 'tool_effect', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from tool_effect x where x.thread_id = any($1::uuid[])
  union all
  select 'cron', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8 from cron x where x.thread_id = any($1::uuid[])
  union all
  select 'checkpoint', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from checkpoint x where x.thread_id = any($2::text[])
  union all
  select 'checkpoint_item', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from checkpoint_item x where x.thread_id = any($2::text[])
  union all
  select 'checkpoint_write', count(*)::int, coalesce(sum(pg_column_size(x.*)), 0)::float8
  from checkpoint_write x where x.thread_id = any($2::text[])`;

export const NOTHING_FREED: Freed = { rows: {}, bytes: 0 };

/** All rows of these threads. */
export async function measureThreads(db: Queryable, threadIds: string[]): Promise<Freed> {
  const measured = await execute<{ name: string; rows: number; bytes: number }>(db, MEASURE, [threadIds, threadIds]);
  return {
    rows: Object.fromEntries(measured.map(({ name, rows }) => [name, rows])),
    bytes: measured.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** What was there before and is not there now. */
export function difference(before: Freed, after: Freed): Freed {
  const rows = Object.entries(before.rows).map(([name, count]) => [name, count - (after.rows[name] ?? 0)] as const);
  return { rows: Object.fromEntries(rows), bytes: Math.max(0, before.bytes - after.bytes) };
}
