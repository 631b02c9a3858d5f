// What the maintenance commands need, put together like app.ts but without serving anything.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { hashApiKey, mintApiKey } from "../auth/api-key.ts";
import type { Config } from "../config/config.ts";
import type { ApiKey } from "../domain/api-key.ts";
import { ConfigurationError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { Freed, RetentionStrategy, ThreadBatch } from "../domain/ports/retention.ts";
import type { RunAdministration } from "../domain/ports/run-administration.ts";
import type { UsageReports } from "../domain/ports/usage-ledger.ts";
import { PostgresBus } from "../event-bus/postgres-bus.ts";
import { PostgresApiKeyRepository } from "../postgres/api-key-repository.ts";
import { requestCancel } from "../postgres/cancel.ts";
import { deleteRunCheckpoints } from "../postgres/checkpointer/delete.ts";
import { describeSchema } from "../postgres/describe-schema.ts";
import { probeBinaries } from "../postgres/embedded/binaries.ts";
import { startEmbeddedPostgres } from "../postgres/embedded/embedded-postgres.ts";
import { settlePlace } from "../postgres/embedded/place.ts";
import { type DatabaseInspection, inspectDatabase } from "../postgres/inspect-database.ts";
import { listAppliedMigrations, listMigrations, migrate } from "../postgres/migrate.ts";
import { createPersistence } from "../postgres/persistence.ts";
import { describeUrl, openPool } from "../postgres/pool.ts";
import { findRunReport, listRunReports, retryRun } from "../postgres/run-administration.ts";
import { PostgresUsageReports } from "../postgres/usage/usage-reports.ts";

/** Connections of a maintenance command. */
const COMMAND_POOL_MAX = 2;

type Pool = ReturnType<typeof openPool>;

/** A database opened for one command. */
interface OpenedUrl extends AsyncDisposable {
  readonly url: string;
  readonly description: string;
}

async function openUrl(config: Config, log: (message: string) => void): Promise<OpenedUrl> {
  const { databaseUrl, directDatabaseUrl } = config.secrets;
  if (databaseUrl !== undefined) {
    const url = directDatabaseUrl ?? databaseUrl;
    return { url, description: describeUrl(url), [Symbol.asyncDispose]: async () => {} };
  }
  const server = await startEmbeddedPostgres({ dataDir: config.database.dataDir, log });
  return {
    url: server.url,
    description: `embedded PostgreSQL ${server.version} in ${server.dataDir}`,
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/**
 * Migrates the configured database.
 * @returns which database, and the names of the migrations applied now
 * @throws ConfigurationError, DatabaseUnavailableError
 */
export async function migrateDatabase(
  config: Config,
  log: (message: string) => void,
): Promise<{ description: string; applied: string[] }> {
  await using database = await openUrl(config, log);
  return { description: database.description, applied: await migrate(database.url, { log }) };
}

/** The schema of the configured database, after migrating it. @throws as migrateDatabase */
export async function printSchema(config: Config, log: (message: string) => void): Promise<string> {
  await using database = await openUrl(config, log);
  await migrate(database.url, { log });
  const pool = openPool(database.url, { max: 1 });
  try {
    return await describeSchema(pool);
  } finally {
    await pool.end();
  }
}

/** Uses the configured database, which must be migrated. @throws ConfigurationError where it is not */
export async function usePool<T>(
  config: Config,
  log: (message: string) => void,
  use: (pool: Pool) => Promise<T>,
): Promise<T> {
  await using database = await openUrl(config, log);
  const pool = openPool(database.url, {
    max: COMMAND_POOL_MAX,
    applicationName: "holdfast command",
    encryptionKeys: config.secrets.encryptionKeys,
  });
  try {
    const applied = await listAppliedMigrations(pool);
    const missing = (await listMigrations()).filter((name) => !applied.includes(name));
    if (missing.length > 0) {
      throw new ConfigurationError(
        `${database.description} lacks the migrations ${missing.join(", ")}. Run: holdfast migrate`,
      );
    }
    return await use(pool);
  } finally {
    await pool.end();
  }
}

/**
 * Hands over what an operator can do with the runs of the configured database. Workers that run elsewhere are told of changes.
 * @throws ConfigurationError, DatabaseUnavailableError
 */
export function administerRuns<T>(
  config: Config,
  log: (message: string) => void,
  use: (runs: RunAdministration) => Promise<T>,
): Promise<T> {
  return usePool(config, log, async (pool) => {
    await using bus = new PostgresBus({
      processId: `command:${mintId()}`,
      notify: async (channel, payload) => void (await pool.query("select pg_notify($1, $2)", [channel, payload])),
      // Workers learn of it at their next poll or heartbeat.
      onNotifyError: () => {},
    });
    return await use({
      listRuns: (query) => listRunReports(pool, query),
      findRun: (runId) => findRunReport(pool, runId),
      async retryRun(runId) {
        const outcome = await retryRun(pool, runId);
        if (outcome === "retried") bus.publishPending();
        return outcome;
      },
      async cancelRun(runId, action) {
        const found = await findRunReport(pool, runId);
        if (found === undefined) return "not_found";
        const outcome = await requestCancel(
          pool,
          runId,
          found.run.threadId,
          action,
          "holdfast runs cancel",
          deleteRunCheckpoints,
        );
        if (outcome === "signalled") bus.publishCancel(runId, action);
        if (outcome === "ended") {
          bus.publishEnded(runId);
          bus.publishPending();
        }
        return outcome;
      },
    });
  });
}

/** Hands over the usage of the configured database. @throws ConfigurationError, DatabaseUnavailableError */
export function readUsage<T>(
  config: Config,
  log: (message: string) => void,
  use: (reports: UsageReports) => Promise<T>,
): Promise<T> {
  return usePool(config, log, (pool) => use(new PostgresUsageReports(pool)));
}

/** What an operator can do with API keys. */
export interface KeyAdministration {
  /** The key is in the answer, and nowhere else. */
  createKey(key: Pick<ApiKey, "name" | "owner" | "scopes">): Promise<{ key: string; apiKey: ApiKey }>;
  listKeys(): Promise<ApiKey[]>;
  revokeKey(keyId: string): Promise<boolean>;
}

/** Hands over the API keys of the configured database, which is migrated where it must be: keys come before the first start. */
export async function administerKeys<T>(
  config: Config,
  log: (message: string) => void,
  use: (keys: KeyAdministration) => Promise<T>,
): Promise<T> {
  await migrateDatabase(config, log);
  return usePool(config, log, (pool) => {
    const keys = new PostgresApiKeyRepository(pool);
    return use({
      async createKey(wanted) {
        const key = mintApiKey();
        return { key, apiKey: await keys.createApiKey({ ...wanted, hash: hashApiKey(key) }) };
      },
      listKeys: () => keys.listApiKeys(),
      revokeKey: (keyId) => keys.revokeApiKey(keyId),
    });
  });
}

/** What a pruning went through and freed. */
export interface PruneReport {
  endedThreadCount: number;
  expiredThreadCount: number;
  idleThreadCount: number;
  keyCount: number;
  eventDayCount: number;
  freed: Freed;
}

/** Threads of one transaction, and keys of one statement. */
const PRUNE_THREADS_PER_BATCH = 200;
const PRUNE_KEYS_PER_BATCH = 1_000;

/**
 * Removes everything that has aged out of the configured database, batch by batch, and with `idle` also threads that have not
 * changed for long.
 * @throws ConfigurationError, DatabaseUnavailableError
 */
export function pruneDatabase(
  config: Config,
  log: (message: string) => void,
  idle: { idleMs: number; strategy: RetentionStrategy } | undefined,
): Promise<PruneReport> {
  return usePool(config, log, async (pool) => {
    const { retention } = createPersistence(pool, (value) => value, config.limits);
    const batch = { countMax: PRUNE_THREADS_PER_BATCH, isMeasured: true };
    const freed: Freed = { rows: {}, bytes: 0 };
    const ended = await drain(() => retention.removeEndedThreads(batch), freed);
    const expired = await drain(() => retention.removeExpiredThreads(batch), freed);
    const idleCount =
      idle === undefined
        ? 0
        : await drain((afterThreadId) => retention.removeIdleThreads({ ...idle, ...batch, afterThreadId }), freed);
    let keyCount = 0;
    for (let count = -1; count !== 0; keyCount += count)
      count = await retention.removeExpiredKeys(PRUNE_KEYS_PER_BATCH);
    const events = await retention.maintainEventLog({ isMeasured: true });
    addFreed(freed, events.freed);
    addFreed(freed, { rows: { idempotency_key: keyCount }, bytes: 0 });
    return {
      endedThreadCount: ended,
      expiredThreadCount: expired,
      idleThreadCount: idleCount,
      keyCount,
      eventDayCount: events.droppedCount,
      freed,
    };
  });
}

/** Takes batches until there is none left; how many threads they were. */
async function drain(
  takeBatch: (afterThreadId: string | undefined) => Promise<ThreadBatch>,
  freed: Freed,
): Promise<number> {
  let count = 0;
  let last: string | undefined;
  for (;;) {
    const taken = await takeBatch(last);
    if (taken.threadCount === 0) return count;
    count += taken.threadCount;
    last = taken.lastThreadId;
    addFreed(freed, taken.freed);
  }
}

function addFreed(sum: Freed, { rows, bytes }: Freed): void {
  sum.bytes += bytes;
  for (const [name, count] of Object.entries(rows)) sum.rows[name] = (sum.rows[name] ?? 0) + count;
}

/** What the configured database is like, without migrating it; for an embedded one that was never started, its binaries alone. */
export async function inspectConfiguredDatabase(
  config: Config,
): Promise<{ description: string; inspection: DatabaseInspection | undefined }> {
  if (config.database.isEmbedded) {
    const place = await settlePlace(config.database.dataDir);
    const version = await probeBinaries(place.binaries, place.account);
    if (!existsSync(join(place.clusterDir, "PG_VERSION"))) {
      const description = `embedded PostgreSQL ${version}, to be created in ${place.rootDir} at the first start`;
      return { description, inspection: undefined };
    }
  }
  await using database = await openUrl(config, () => {});
  return { description: database.description, inspection: await inspectDatabase(database.url) };
}

/**
 * Writes `openapi.json` from the routes' schemas, or only compares it.
 * @returns whether the file was in step already
 */
export async function writeApiDescription(isCheck: boolean): Promise<boolean> {
  const { writeOpenApi } = await import("../http/openapi.ts");
  return writeOpenApi({ check: isCheck });
}
