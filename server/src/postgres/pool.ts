// Opens connection pools and the dedicated connection that listens for notifications.
import pg from "pg";
import type { EncryptionKey } from "../domain/encryption-key.ts";
import { DatabaseUnavailableError } from "../domain/errors.ts";
import { bindCipher } from "./content/cipher-of.ts";
import { ContentCipher } from "./content/content-cipher.ts";
import { TranslatingPool } from "./translating-pool.ts";

/** How long to wait for a connection, from the pool or to the server, before the request fails. */
const CONNECT_MAX_MS = 10_000;
/** Connections unused this long are closed. */
const IDLE_MAX_MS = 30_000;

/** Choices for one pool. */
export interface PoolOptions {
  /** Connections at most. @default 10 */
  readonly max?: number;
  /** A statement running longer is cancelled by the server; 0 means no limit. @default 0 */
  readonly statementTimeoutMs?: number;
  /** Name shown in `pg_stat_activity`. @default "holdfast" */
  readonly applicationName?: string;
  /**
   * Named statements are prepared once per connection, which halves the cost of small ones. A pooler in transaction mode must know them
   * (pgbouncer from 1.21 with `max_prepared_statements`); with an older one set this to false and names are ignored. @default true
   */
  readonly preparedStatements?: boolean;
  /** Keys that contents are sealed with; the first seals, all open. @default none: contents are stored as they are */
  readonly encryptionKeys?: readonly EncryptionKey[];
  /** Receives the loss of idle connections, which is no one's request. */
  readonly log?: (message: string) => void;
}

/** Drops the names of statements, for poolers that cannot keep prepared ones. */
class UnnamedClient extends pg.Client {
  // biome-ignore lint/suspicious/noExplicitAny: the driver's overloads cannot be restated; arguments pass through unchanged but for `name`.
  override query(...args: any[]): any {
    const [first, ...rest] = args;
    if (typeof first === "object" && first !== null && typeof first.name === "string" && first.submit === undefined) {
      const { name: _, ...unnamed } = first;
      return (super.query as (...all: unknown[]) => unknown)(unnamed, ...rest);
    }
    return (super.query as (...all: unknown[]) => unknown)(...args);
  }
}

/**
 * A pool on `url`. `int8` arrives as text (no precision lost), `jsonb` as objects.
 * Works behind a pooler in transaction mode: nothing is kept in the session except the statement timeout, which is the same for all.
 */
export function openPool(url: string, options: PoolOptions = {}): pg.Pool {
  const { max = 10, statementTimeoutMs = 0, applicationName = "holdfast", preparedStatements = true, log } = options;
  const cipher = new ContentCipher(options.encryptionKeys ?? []);
  const pool = new TranslatingPool({
    connectionString: url,
    max,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    idleTimeoutMillis: IDLE_MAX_MS,
    keepAlive: true,
    ...(preparedStatements ? {} : { Client: UnnamedClient }),
    // Set by statement: poolers refuse it as a start-up parameter.
    onConnect: async (client) => {
      if (statementTimeoutMs > 0) {
        await client.query(`set statement_timeout = ${Math.trunc(statementTimeoutMs)}`);
      }
    },
  });
  // A connection that is lent out has no listener of the pool's: unheard, its loss between two statements of a transaction would
  // end the process. Whoever holds it learns of it with the next statement.
  pool.on("connect", (client) => {
    client.on("error", () => {});
    bindCipher(client, cipher);
  });
  bindCipher(pool, cipher);
  pool.on("error", (error) => log?.(`an idle database connection was lost: ${error.message}`));
  return pool;
}

/**
 * Waits until the database answers, for the start of a process. What waiting cannot help, such as a wrong password, fails at once.
 * @param log told once that, and why, there is something to wait for
 * @throws DatabaseUnavailableError naming host and reason (never the password) after `waitMaxMs`.
 */
export async function checkDatabase(
  pool: pg.Pool,
  url: string,
  waitMaxMs = 0,
  log: (message: string) => void = () => undefined,
): Promise<{ version: string }> {
  const deadline = Date.now() + waitMaxMs;
  for (let hasTold = false; ; hasTold = true) {
    try {
      const { rows } = await pool.query<{ server_version: string }>("show server_version");
      return { version: rows[0]?.server_version ?? "unknown" };
    } catch (cause) {
      const problem = `${describeUrl(url)} cannot be used: ${reasonOf(cause)}`;
      if (Date.now() >= deadline || !(cause instanceof DatabaseUnavailableError)) {
        throw new DatabaseUnavailableError(`${problem}.`, { cause });
      }
      if (!hasTold) log(`${problem}; trying again for ${Math.ceil(waitMaxMs / 1_000)} s`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

/** Says which server a URL means, without its password. */
export function describeUrl(url: string): string {
  try {
    const parsed = new URL(url);
    const host = parsed.searchParams.get("host") ?? `${parsed.hostname}:${parsed.port || "5432"}`;
    return `PostgreSQL at ${host}, database ${decodeURIComponent(parsed.pathname.slice(1)) || "(default)"}`;
  } catch {
    return "The database in DATABASE_URL";
  }
}

/** The driver's own words: the pool's translation is for clients of the API. */
function reasonOf(error: unknown): string {
  const { cause = error } = error as { cause?: unknown };
  // A host with several addresses fails with one error per address and an empty message of its own.
  const inner = cause instanceof AggregateError ? cause.errors.map((each: Error) => each.message).join("; ") : "";
  return inner || (cause as Error).message;
}
