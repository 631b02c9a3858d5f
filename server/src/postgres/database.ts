// Opens the database of a process: the embedded server or the one named by DATABASE_URL, migrated, with its pool.
import type { Pool } from "pg";
import type { EncryptionKey } from "../domain/encryption-key.ts";
import { startEmbeddedPostgres } from "./embedded/embedded-postgres.ts";
import { migrate } from "./migrate.ts";
import { checkDatabase, describeUrl, openPool } from "./pool.ts";

/** How long a starting process waits for a database that is not up yet. */
const START_WAIT_MAX_MS = 30_000;

export interface DatabaseOptions {
  /** Unset for the embedded server. */
  url: string | undefined;
  /** The same database past any pooler, for what needs a session of its own. @default url */
  directUrl?: string;
  dataDir: string;
  poolMax: number;
  statementTimeoutMs: number;
  preparedStatements: boolean;
  /** See PoolOptions. */
  encryptionKeys?: readonly EncryptionKey[];
  log: (message: string) => void;
}

export interface Database extends AsyncDisposable {
  url: string;
  /** For connections that listen, hold a lock or migrate. */
  directUrl: string;
  pool: Pool;
  /** For the banner: which server, where its data are. */
  description: string;
}

/** @throws ConfigurationError, DatabaseUnavailableError */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const embedded =
    options.url === undefined ? await startEmbeddedPostgres({ dataDir: options.dataDir, log: options.log }) : undefined;
  const url = options.url ?? embedded!.url;
  const directUrl = embedded === undefined ? (options.directUrl ?? url) : url;
  const { max: poolMax, ...rest } = { max: options.poolMax, ...options };
  const pool = openPool(url, { ...rest, max: poolMax });
  try {
    const { version } = await checkDatabase(pool, url, START_WAIT_MAX_MS, options.log);
    await migrate(directUrl, { log: options.log });
    const description =
      embedded === undefined
        ? `${describeUrl(url)} (PostgreSQL ${version})`
        : `embedded PostgreSQL ${embedded.version} in ${embedded.dataDir}`;
    return {
      url,
      directUrl,
      pool,
      description,
      async [Symbol.asyncDispose]() {
        await pool.end();
        await embedded?.close();
      },
    };
  } catch (error) {
    await pool.end();
    await embedded?.close();
    throw error;
  }
}
