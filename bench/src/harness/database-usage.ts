// What one database and the server processes that work for it have used.
import pg from "pg";
import { readCpuMs } from "./process-usage.ts";

/** Statistics reach the shared counters when a connection has been idle for a second. */
const STATISTICS_PAUSE_MS = 2_000;

export interface DatabaseUsage {
  /** Statements outside of transactions, and transactions. */
  commits: number;
  /** Processor time of the server processes that serve this database now. */
  cpuMs: number;
  connections: number;
}

/** Waits for the statistics to be complete first. */
export async function readDatabaseUsage(pool: pg.Pool): Promise<DatabaseUsage> {
  await new Promise((resolve) => setTimeout(resolve, STATISTICS_PAUSE_MS));
  const { rows } = await pool.query<{ commits: number; pids: number[] }>(
    `select xact_commit::int as commits,
       (select array_agg(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as pids
     from pg_stat_database where datname = current_database()`,
  );
  const { commits, pids } = rows[0]!;
  const times = await Promise.all((pids ?? []).map((pid) => readCpuMs(pid).catch(() => 0)));
  return { commits, connections: pids?.length ?? 0, cpuMs: times.reduce((sum, each) => sum + each, 0) };
}

/** Bytes of a table with its partitions, indexes and long values. */
export async function readTableBytes(pool: pg.Pool, table: string): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(relid)), 0)::text as bytes
     from (select relid from pg_partition_tree($1) union select $1::regclass) t`,
    [table],
  );
  return Number(rows[0]!.bytes);
}

export function openUsagePool(databaseUrl: string): pg.Pool {
  return new pg.Pool({ connectionString: databaseUrl, max: 1, application_name: "usage" });
}
