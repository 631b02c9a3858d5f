// A PostgreSQL with pgvector for tests: PGlite in this process, spoken to over a socket like any other server.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import type { Pool } from "pg";
import { openPool } from "../pool.ts";

const SCHEMA_FILE = new URL("../../../schema.sql", import.meta.url);

export interface PgvectorDatabase {
  /** Of a single connection: PGlite has one session. */
  readonly pool: Pool;
  close(): Promise<void>;
}

/** Opens one with this code's schema; the extension can be made, and is not there yet. */
export async function openPgvectorDatabase(): Promise<PgvectorDatabase> {
  const dir = await mkdtemp(join(tmpdir(), "holdfast-pgvector-"));
  const db = await PGlite.create({ extensions: { vector } });
  await db.exec(await readFile(SCHEMA_FILE, "utf8"));
  const server = new PGLiteSocketServer({ db, path: join(dir, ".s.PGSQL.5432"), maxConnections: 2 });
  await server.start();
  const url = `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(dir)}`;
  const pool = openPool(url, { max: 1, applicationName: "holdfast test" });
  return {
    pool,
    async close() {
      await pool.end();
      await server.stop();
      await db.close();
      await rm(dir, { recursive: true });
    },
  };
}
