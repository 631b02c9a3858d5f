// Looks at a database without changing it: version, extensions, and how far it is migrated.
import pg from "pg";
import { listAppliedMigrations, listMigrations } from "./migrate.ts";

const CONNECT_MAX_MS = 5_000;
/** Extensions that Holdfast can use, none of which it needs. */
const USEFUL_EXTENSIONS: readonly string[] = ["vector", "pg_trgm"];

/** What was found. */
export interface DatabaseInspection {
  /** For example `18.4`. */
  readonly version: string;
  /** For example 180004. */
  readonly versionNumber: number;
  /** Useful extensions that are installed or could be. */
  readonly extensions: readonly string[];
  /** Known here, not applied there. */
  readonly pendingMigrations: readonly string[];
  /** Applied there by a newer Holdfast. */
  readonly unknownMigrations: readonly string[];
  /** Connections that the server accepts at most. */
  readonly connectionsMax: number;
  /** Whether this account may create tables, as migrations must. */
  readonly canCreate: boolean;
}

/** @throws the driver's error when the database cannot be reached. */
export async function inspectDatabase(url: string): Promise<DatabaseInspection> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    application_name: "holdfast doctor",
  });
  await client.connect();
  try {
    const { rows } = await client.query<Omit<DatabaseInspection, "pendingMigrations" | "unknownMigrations">>(
      `select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber",
         current_setting('max_connections')::int as "connectionsMax",
         has_schema_privilege('public', 'create') as "canCreate",
         (select coalesce(array_agg(name::text order by name), '{}') from pg_available_extensions where name = any ($1)) as extensions`,
      [USEFUL_EXTENSIONS],
    );
    const [known, applied] = [await listMigrations(), await listAppliedMigrations(client)];
    return {
      ...rows[0]!,
      pendingMigrations: known.filter((name) => !applied.includes(name)),
      unknownMigrations: applied.filter((name) => !known.includes(name)),
    };
  } finally {
    await client.end();
  }
}
