// Brings a database's schema up to this code's: numbered SQL files, forward only, safe when several processes start at once.
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runner } from "node-pg-migrate";
import pg from "pg";
import { ConfigurationError, DatabaseUnavailableError } from "../domain/errors.ts";
import { describeUrl } from "./pool.ts";

/** Folder of the numbered files, the same distance from the sources and from the build. */
export const MIGRATIONS_DIR = fileURLToPath(new URL("../../migrations", import.meta.url));

const MIGRATION_TABLE = "holdfast_migration";
const SERVER_VERSION_MIN = 140_000;
/** Held while migrating; the number is the ASCII codes of "migr". */
const MIGRATION_LOCK = 0x6d69_6772;
const LOCK_POLL_MS = 100;
/** A migration that rewrites a large table takes its time; the processes behind it wait this long. */
const LOCK_WAIT_MAX_MS = 30 * 60_000;

/** Choices for one migration run. */
export interface MigrateOptions {
  /** @default the `migrations` folder of this package */
  readonly dir?: string;
  readonly log?: (message: string) => void;
}

/**
 * Applies what is missing, all of it in one transaction under an advisory lock; a second process waits and then finds nothing to do.
 * Works behind a transaction-mode pooler too.
 * @returns the names applied by this call, in order
 * @throws ConfigurationError when the database was migrated by a newer Holdfast, or is older than PostgreSQL 14.
 * @throws DatabaseUnavailableError when it cannot be reached.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const dir = options.dir ?? MIGRATIONS_DIR;
  const lock = await connect(url);
  try {
    await checkServerVersion(lock, url);
    await takeLock(lock);
    const client = await connect(url);
    try {
      await refuseNewerSchema(client, dir, url);
      const applied = await runner({
        dbClient: client,
        dir,
        direction: "up",
        migrationsTable: MIGRATION_TABLE,
        checkOrder: true,
        singleTransaction: true,
        noLock: true,
        logger: { info: () => {}, warn: () => {}, error: (message) => options.log?.(message) },
      });
      for (const { name } of applied) {
        options.log?.(`applied migration ${name}`);
      }
      return applied.map(({ name }) => name);
    } finally {
      await client.end();
    }
  } finally {
    await lock.end(); // Ends its transaction, and with it the lock.
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "holdfast migrate" });
  client.on("error", () => {}); // A lost connection fails the statement in flight, which is reported.
  try {
    await client.connect();
  } catch (cause) {
    throw new DatabaseUnavailableError(`${describeUrl(url)} cannot be reached: ${(cause as Error).message}.`, {
      cause,
    });
  }
  return client;
}

/**
 * Holds the lock in an open transaction of a connection of its own: the library's lock belongs to a session, which a transaction-mode pooler
 * hands from one client to another. Asks again and again instead of waiting inside, so that waiting processes do not use up the pooler's connections.
 */
async function takeLock(client: pg.Client): Promise<void> {
  for (const deadline = Date.now() + LOCK_WAIT_MAX_MS; Date.now() < deadline; ) {
    await client.query("begin");
    const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_xact_lock($1) as taken", [
      MIGRATION_LOCK,
    ]);
    if (rows[0]?.taken) {
      return;
    }
    await client.query("rollback");
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  throw new DatabaseUnavailableError(
    `Another process has been migrating this database for ${LOCK_WAIT_MAX_MS / 60_000} minutes. Try again when it is done.`,
  );
}

/** Names of the migrations that this code knows, in order. */
export async function listMigrations(dir: string = MIGRATIONS_DIR): Promise<string[]> {
  const files = await readdir(dir);
  return files
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -".sql".length))
    .sort();
}

/** Names that the database has, in order; none for a database never migrated. */
export async function listAppliedMigrations(client: pg.ClientBase | pg.Pool): Promise<string[]> {
  const { rows: found } = await client.query<{ exists: boolean }>("select to_regclass($1) is not null as exists", [
    `public.${MIGRATION_TABLE}`,
  ]);
  if (!found[0]?.exists) {
    return [];
  }
  const { rows } = await client.query<{ name: string }>(`select name from public.${MIGRATION_TABLE} order by id`);
  return rows.map(({ name }) => name);
}

async function refuseNewerSchema(client: pg.Client, dir: string, url: string): Promise<void> {
  const known = new Set(await listMigrations(dir));
  const unknown = (await listAppliedMigrations(client)).filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new ConfigurationError(
      `${describeUrl(url)} was migrated by a newer Holdfast: this one does not know ${unknown.join(", ")}. ` +
        "Start the newer version, or use another database; going back is not supported.",
    );
  }
}

async function checkServerVersion(client: pg.Client, url: string): Promise<void> {
  const { rows } = await client.query<{ number: number; text: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as text",
  );
  if (rows[0] !== undefined && rows[0].number < SERVER_VERSION_MIN) {
    throw new ConfigurationError(
      `${describeUrl(url)} is version ${rows[0].text}; Holdfast needs PostgreSQL 14 or newer.`,
    );
  }
}
