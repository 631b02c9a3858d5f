// What a database tells of itself: bytes its rows take, bytes it logged, processor time it used.
import type { Pool } from "pg";
import { readChildrenCpuMs, readParentPid } from "../harness/process-usage.ts";

/** Header and line pointer of a row; columns alone do not count them. */
const ROW_OVERHEAD_BYTES = 28;

/** Bytes of all rows of all tables as they are stored: compressed and with what lies out of line, without free space and indexes. */
export async function bytesStored(pool: Pool): Promise<number> {
  const { rows: tables } = await pool.query<{ name: string; columns: string[] }>(
    `select c.oid::regclass::text as name, array_agg(quote_ident(a.attname)) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by c.oid`,
  );
  let sum = 0;
  for (const { name, columns } of tables) {
    const size = columns.map((column) => `coalesce(pg_column_size(${column}), 0)`).join(" + ");
    const { rows } = await pool.query<{ bytes: string }>(
      `select coalesce(sum(${size} + ${ROW_OVERHEAD_BYTES}), 0) as bytes from ${name}`,
    );
    sum += Number(rows[0]!.bytes);
  }
  return sum;
}

/** Position in the write-ahead log; everything that is written passes through it. */
export async function bytesWritten(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>("select pg_current_wal_insert_lsn() - '0/0' as bytes");
  return Number(rows[0]!.bytes);
}

/** Processor time of all processes of the database server but the one that answers `pool`; the server runs on this machine. */
export async function databaseCpuMs(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>("select pg_backend_pid() as pid");
  const ownPid = rows[0]!.pid;
  return readChildrenCpuMs(await readParentPid(ownPid), ownPid);
}
