// A database server for benches: the one in DATABASE_URL, or an embedded one in a temporary folder; one database per use.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@holdfast/server";
import pg from "pg";

export interface DatabaseServer extends AsyncDisposable {
  url: string;
  /** Which server, for the result file. */
  version: string;
  /** Creates an empty database and returns its URL. */
  createDatabase(): Promise<string>;
}

export async function openDatabaseServer(): Promise<DatabaseServer> {
  const external = process.env.DATABASE_URL ?? process.env.HOLDFAST_TEST_DATABASE_URL;
  const dataDir = external === undefined ? await mkdtemp(join(tmpdir(), "holdfast-bench-db-")) : undefined;
  const embedded = dataDir === undefined ? undefined : await startEmbeddedPostgres({ dataDir, log: () => undefined });
  const url = external ?? embedded!.url;
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const { rows } = await admin.query<{ server_version: string }>("show server_version");
  const created: string[] = [];
  return {
    url,
    version: rows[0]!.server_version,
    async createDatabase() {
      const name = `holdfast_bench_${process.pid}_${created.length}`;
      await admin.query(`create database ${name}`);
      created.push(name);
      return withDatabase(url, name);
    },
    async [Symbol.asyncDispose]() {
      for (const name of created) await admin.query(`drop database if exists ${name} with (force)`);
      await admin.end();
      await embedded?.close();
      if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The same server's URL with another database. */
function withDatabase(url: string, name: string): string {
  const [base, query] = url.split("?");
  const changed = base!.replace(/\/[^/]*$/, `/${name}`);
  return query === undefined ? changed : `${changed}?${query}`;
}
