// The daily partitions of the event log: made before they are needed, dropped when their events have aged out.
import type { Pool, PoolClient } from "pg";
import { execute, inTransaction } from "./statement.ts";

const DAY_MS = 86_400_000;
/** Days after today whose partitions must exist. */
const DAYS_AHEAD = 3;
/** Serialises maintenance between processes. */
const PARTITION_LOCK = 0x6576_7074;
/** A change of the log's partitions waits for its users no longer than this, since others queue up behind it. */
const LOCK_WAIT_MAX_MS = 1_000;
/** Aged rows removed from the default partition by one call. */
const DEFAULT_ROWS_MAX = 10_000;

const LOCK_NOT_AVAILABLE = "55P03";
const CHECK_VIOLATION = "23514";

export interface PartitionMaintenance {
  created: string[];
  dropped: string[];
  /** Left for the next call: the log was busy, or its rows are held elsewhere (default partition, active runs). */
  postponed: string[];
}

/**
 * Makes the partitions of today and the next three days (UTC) and drops those whose last run began more than `retentionMs`
 * ago, unless a run of theirs is still pending or running. Safe to call from any number of processes; call it at start,
 * before the first run, and then several times a day. Existing rows are never moved: a day whose first events went to the
 * default partition stays there.
 * @param options.now @default the database's clock
 */
export async function maintainEventPartitions(
  pool: Pool,
  options: { retentionMs: number; now?: Date },
): Promise<PartitionMaintenance> {
  const nowMs = (options.now ?? (await databaseTime(pool))).getTime();
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  const changes: PartitionChange[] = [];
  for (let day = 0; day <= DAYS_AHEAD; day++) {
    const startMs = today + day * DAY_MS;
    const isToday = day === 0;
    changes.push({ kind: "created", startMs, make: (client) => createPartition(client, startMs, isToday) });
  }
  for (const startMs of await listPartitionStarts(pool)) {
    if (startMs + DAY_MS + options.retentionMs > nowMs) continue;
    changes.push({ kind: "dropped", startMs, make: (client) => dropPartition(client, startMs) });
  }
  const result: PartitionMaintenance = { created: [], dropped: [], postponed: [] };
  let isLogBusy = false;
  for (const { kind, startMs, make } of changes) {
    const outcome: Outcome = isLogBusy ? "busy" : await changePartitions(pool, make);
    isLogBusy = outcome === "busy";
    if (outcome === "done") result[kind].push(partitionName(startMs));
    if (outcome === "busy" || outcome === "held") result.postponed.push(partitionName(startMs));
  }
  await removeAgedDefaultRows(pool, nowMs - options.retentionMs);
  return result;
}

/** What became of a change: nothing to do, the log was locked for too long, or rows stand against it. */
type Outcome = "done" | "unneeded" | "busy" | "held";

interface PartitionChange {
  kind: "created" | "dropped";
  startMs: number;
  make: (client: PoolClient) => Promise<Outcome>;
}

/** The smallest run id of that time: UUIDs version 7 begin with the milliseconds since 1970. */
export function firstRunIdAt(timeMs: number): string {
  const hex = timeMs.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

async function databaseTime(pool: Pool): Promise<Date> {
  const rows = await execute<{ now: Date }>(pool, "select now()");
  return rows[0]!.now;
}

function partitionName(startMs: number): string {
  return `run_event_${new Date(startMs).toISOString().slice(0, 10).replaceAll("-", "")}`;
}

async function listPartitionStarts(pool: Pool): Promise<number[]> {
  const rows = await execute<{ name: string }>(
    pool,
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'run_event'::regclass and c.relname ~ '^run_event_[0-9]{8}$' order by 1`,
  );
  return rows.map(({ name }) => {
    const [, year, month, day] = /(\d{4})(\d\d)(\d\d)$/.exec(name)!;
    return Date.UTC(Number(year), Number(month) - 1, Number(day));
  });
}

/** One change in one short transaction. */
async function changePartitions(pool: Pool, make: (client: PoolClient) => Promise<Outcome>): Promise<Outcome> {
  try {
    return await inTransaction(pool, async (client) => {
      await execute(client, `set local lock_timeout = ${LOCK_WAIT_MAX_MS}`);
      await execute(client, "select pg_advisory_xact_lock($1)", [PARTITION_LOCK]);
      return make(client);
    });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === LOCK_NOT_AVAILABLE) return "busy";
    if (code === CHECK_VIOLATION) return "held";
    throw error;
  }
}

/**
 * A day to come is attached, under a lock that lets appends go on. For today that would fail appends which have chosen the
 * default partition already, so these wait the moment it takes to make the partition in place.
 */
async function createPartition(client: PoolClient, startMs: number, isToday: boolean): Promise<Outcome> {
  const name = partitionName(startMs);
  if (await exists(client, name)) return "unneeded";
  const bounds = `for values from ('${firstRunIdAt(startMs)}') to ('${firstRunIdAt(startMs + DAY_MS)}')`;
  if (isToday) {
    await execute(client, `create table ${name} partition of run_event ${bounds}`);
  } else {
    await execute(client, `create table ${name} (like run_event including all)`);
    await execute(client, `alter table run_event attach partition ${name} ${bounds}`);
  }
  return "done";
}

async function dropPartition(client: PoolClient, startMs: number): Promise<Outcome> {
  const name = partitionName(startMs);
  if (!(await exists(client, name))) return "unneeded";
  const active = await execute(
    client,
    `select 1 from run where status = 'pending' and run_id >= $1::uuid and run_id < $2::uuid
     union all
     select 1 from run where status = 'running' and run_id >= $1::uuid and run_id < $2::uuid limit 1`,
    [firstRunIdAt(startMs), firstRunIdAt(startMs + DAY_MS)],
  );
  if (active.length > 0) return "held";
  await execute(client, `drop table ${name}`);
  return "done";
}

async function exists(client: PoolClient, table: string): Promise<boolean> {
  const rows = await execute<{ found: boolean }>(client, "select to_regclass($1) is not null as found", [table]);
  return rows[0]!.found;
}

/** Events of days that had no partition. Ids that are not version 7 carry no time and are left alone. */
async function removeAgedDefaultRows(pool: Pool, beforeMs: number): Promise<void> {
  await execute(
    pool,
    `delete from run_event_default e using (
       select run_id, seq from run_event_default
       where run_id < $1::uuid and substr(run_id::text, 15, 1) = '7'
         and not exists (select 1 from run r where r.run_id = run_event_default.run_id and r.status in ('pending', 'running'))
       limit ${DEFAULT_ROWS_MAX}
     ) aged where e.run_id = aged.run_id and e.seq = aged.seq`,
    [firstRunIdAt(Math.max(0, beforeMs))],
  );
}
