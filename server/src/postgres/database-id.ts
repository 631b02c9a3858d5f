// Tells databases apart, however a process reaches them.
import { createHash } from "node:crypto";
import type { Pool } from "pg";

/** The same for every process of one migrated database, by whatever URL; different for every other database, copies included. */
export async function readDatabaseId(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ identity: string }>(
    `select concat_ws('/', d.oid, d.datname, (select min(run_on)::text from public.holdfast_migration)) as identity
     from pg_database d where d.datname = current_database()`,
  );
  return createHash("sha256")
    .update(rows[0]?.identity ?? "")
    .digest("hex")
    .slice(0, 16);
}
