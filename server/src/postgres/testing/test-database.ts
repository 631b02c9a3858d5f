// Gives each test file a PostgreSQL database of its own, cloned from a migrated template.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { mintId } from "../../domain/ids.ts";
import { listMigrations, MIGRATIONS_DIR, migrate } from "../migrate.ts";
import { openPool } from "../pool.ts";

/** Serialises the making of the template between test processes. */
const TEMPLATE_LOCK = 0x7465_6d70;

/** One test file's database. */
export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** Ends the pool and drops the database, whoever is still connected. */
  close(): Promise<void>;
}

/**
 * Creates an own database on the server that the test run started (or that HOLDFAST_TEST_DATABASE_URL names).
 * @param options.migrate whether the schema is there already. @default true
 */
export async function openTestDatabase(options: { migrate?: boolean } = {}): Promise<TestDatabase> {
  const serverUrl = process.env.HOLDFAST_TEST_DATABASE_URL;
  if (serverUrl === undefined) {
    throw new Error(
      "No test database: run through vitest, whose global set-up starts one, or set HOLDFAST_TEST_DATABASE_URL.",
    );
  }
  const name = `test_${mintId().replaceAll("-", "")}`;
  await withClient(serverUrl, async (client) => {
    const template = (options.migrate ?? true) ? await ensureTemplate(client, serverUrl) : undefined;
    await client.query(`create database ${name}${template === undefined ? "" : ` template ${template}`}`);
  });
  const url = urlOfDatabase(serverUrl, name);
  const pool = openPool(url, { applicationName: "holdfast test" });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await pool.end();
    await withClient(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
  };
  return {
    url,
    pool,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** The same server, another database. */
function urlOfDatabase(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** The template carries a digest of the migrations in its name, so a changed migration makes a new one. */
async function ensureTemplate(client: pg.Client, serverUrl: string): Promise<string> {
  const digest = createHash("sha256");
  for (const migration of await listMigrations()) {
    digest.update(migration).update(await readFile(join(MIGRATIONS_DIR, `${migration}.sql`)));
  }
  const name = `template_${digest.digest("hex").slice(0, 16)}`;
  await client.query("select pg_advisory_lock($1)", [TEMPLATE_LOCK]);
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [name]);
    if (rowCount === 0) {
      const draft = `${name}_draft`;
      await client.query(`drop database if exists ${draft} with (force)`);
      await client.query(`create database ${draft}`);
      await migrate(urlOfDatabase(serverUrl, draft));
      await client.query(`alter database ${draft} rename to ${name}`);
    }
  } finally {
    await client.query("select pg_advisory_unlock($1)", [TEMPLATE_LOCK]);
  }
  return name;
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
