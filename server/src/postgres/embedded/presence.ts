// The connection by which a process shows that it is using the embedded server, so that only the last user stops it.
import { readFile, realpath } from "node:fs/promises";
import pg from "pg";
import { ConfigurationError } from "../../domain/errors.ts";
import { passwordFile } from "./cluster.ts";
import type { EmbeddedPlace } from "./place.ts";
import type { PostmasterRecord } from "./postmaster.ts";

/** Database that Holdfast's tables live in. */
const EMBEDDED_DATABASE = "holdfast";
/** Where presence is kept: advisory locks belong to a database. */
const MAINTENANCE_DATABASE = "postgres";
/** Users hold this lock shared; who may have it alone is the last one. The number is the ASCII codes of "hold". */
const PRESENCE_LOCK = 0x686f_6c64;
const CONNECT_MAX_MS = 3_000;

/** Connection URL of a database on the running server. */
export async function urlOfServer(
  place: EmbeddedPlace,
  record: PostmasterRecord,
  database: string = EMBEDDED_DATABASE,
): Promise<string> {
  if (record.socketDir !== "") {
    const query = new URLSearchParams({ host: record.socketDir, port: String(record.port) });
    return `postgresql://postgres@localhost/${database}?${query}`;
  }
  const password = (await readFile(passwordFile(place), "utf8")).trim();
  return `postgresql://postgres:${password}@${record.listenAddress || "127.0.0.1"}:${record.port}/${database}`;
}

/**
 * Connects and takes part in the shared lock.
 * @returns `undefined` while the server is not there yet, is starting, or is being stopped by its last user.
 * @throws ConfigurationError when the server belongs to another account.
 */
export async function joinServer(place: EmbeddedPlace, record: PostmasterRecord): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    connectionString: await urlOfServer(place, record, MAINTENANCE_DATABASE),
    application_name: "holdfast presence",
    connectionTimeoutMillis: CONNECT_MAX_MS,
  });
  client.on("error", () => {}); // Losing it is noticed by its `end` event.
  try {
    await client.connect();
    const { rows } = await client.query<{ dir: string; joined: boolean }>(
      "select current_setting('data_directory') as dir, pg_try_advisory_lock_shared($1) as joined",
      [PRESENCE_LOCK],
    );
    if (rows[0]?.joined && (await realpath(rows[0].dir)) === (await realpath(place.clusterDir))) {
      await ensureDatabase(client);
      return client;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") {
      throw new ConfigurationError(
        `A database server of another account is running in ${place.clusterDir}. Start Holdfast under that account, or choose another folder with HOLDFAST_DATA_DIR.`,
        { cause: error },
      );
    }
  }
  await client.end().catch(() => {});
  return undefined;
}

/** Gives up the share and says whether nobody else holds one; if so, nobody can join any more. */
export async function leaveServer(client: pg.Client): Promise<boolean> {
  await client.query("select pg_advisory_unlock_shared($1)", [PRESENCE_LOCK]);
  const { rows } = await client.query<{ alone: boolean }>("select pg_try_advisory_lock($1) as alone", [PRESENCE_LOCK]);
  return rows[0]?.alone === true;
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [EMBEDDED_DATABASE]);
  if (rowCount === 0) {
    await client.query(`create database ${EMBEDDED_DATABASE}`).catch((error: pg.DatabaseError) => {
      if (error.code !== "42P04" && error.code !== "23505") {
        throw error; // Those two mean that another process created it in the same instant.
      }
    });
  }
}
