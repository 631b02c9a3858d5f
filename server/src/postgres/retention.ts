// Removes what has aged out. Batches are locked with "skip locked", so that any number of processes can work side by side.
import type { Pool, PoolClient } from "pg";
import type { IdempotencyRepository } from "../domain/ports/idempotency-repository.ts";
import type { Freed, Retention, RetentionStrategy, ThreadBatch } from "../domain/ports/retention.ts";
import { QUARANTINE_ERROR } from "../domain/run.ts";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { difference, measureThreads, NOTHING_FREED } from "./freed-rows.ts";
import { maintainEventPartitions } from "./partitions.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";
import { deleteLockedThreads } from "./thread-removal.ts";
import { IS_VISIBLE_THREAD } from "./thread-row.ts";

/** How long a stateless run can still be asked for after its end. */
const ENDED_GRACE_MS = 60_000;

export interface RetentionOptions {
  checkpoints: CheckpointTables;
  keys: IdempotencyRepository;
  /** How long events are kept, and stateless runs that were given up, so that they can be retried. */
  eventRetentionMs: number;
}

interface ChosenThread {
  thread_id: string;
  strategy: RetentionStrategy;
}

/** Threads of stateless runs; those with a time to live belong to a request with an idempotency key, which may be repeated. */
const ENDED = `t.is_temporary and t.ended_at < now() - ${ENDED_GRACE_MS} * interval '1 millisecond'
  and (t.expires_at is null or t.expires_at <= now())
  and (t.error ->> 'error' is distinct from '${QUARANTINE_ERROR}'
    or t.ended_at < now() - $1::float8 * interval '1 millisecond')`;

const EXPIRED = `t.expires_at <= now() and t.ttl_minutes is not null and t.active_count = 0 and ${IS_VISIBLE_THREAD}`;

export class PostgresRetention implements Retention {
  readonly #pool: Pool;
  readonly #options: RetentionOptions;

  constructor(pool: Pool, options: RetentionOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  removeEndedThreads(options: { countMax: number; isMeasured: boolean }): Promise<ThreadBatch> {
    const parameters = new Parameters([this.#options.eventRetentionMs]);
    const chosen = `select t.thread_id, 'delete' as strategy from thread t where ${ENDED} order by t.ended_at
      limit ${parameters.add(options.countMax)} for update skip locked`;
    return this.#remove(chosen, parameters, options.isMeasured);
  }

  removeExpiredThreads(options: { countMax: number; isMeasured: boolean }): Promise<ThreadBatch> {
    const parameters = new Parameters();
    const chosen = `select t.thread_id, coalesce(t.ttl_strategy, 'delete') as strategy from thread t where ${EXPIRED}
      order by t.expires_at limit ${parameters.add(options.countMax)} for update skip locked`;
    return this.#remove(chosen, parameters, options.isMeasured);
  }

  removeIdleThreads(options: {
    idleMs: number;
    strategy: RetentionStrategy;
    countMax: number;
    afterThreadId: string | undefined;
  }): Promise<ThreadBatch> {
    const parameters = new Parameters();
    const conditions = [
      IS_VISIBLE_THREAD,
      "t.active_count = 0",
      `t.updated_at < now() - ${parameters.add(options.idleMs)}::float8 * interval '1 millisecond'`,
    ];
    if (options.afterThreadId !== undefined) {
      conditions.push(`t.thread_id > ${parameters.add(options.afterThreadId)}::uuid`);
    }
    const chosen = `select t.thread_id, ${parameters.add(options.strategy)}::text as strategy from thread t
      where ${conditions.join(" and ")} order by t.thread_id limit ${parameters.add(options.countMax)}
      for update skip locked`;
    return this.#remove(chosen, parameters, true);
  }

  async maintainEventLog(options: { isMeasured: boolean }): Promise<{ droppedCount: number; freed: Freed }> {
    const before = options.isMeasured
      ? await this.#measurePartitions()
      : new Map<string, { rows: number; bytes: number }>();
    const { dropped } = await maintainEventPartitions(this.#pool, { retentionMs: this.#options.eventRetentionMs });
    const sizes = dropped.flatMap((name) => before.get(name) ?? []);
    const rows = sizes.reduce((sum, size) => sum + size.rows, 0);
    const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
    return { droppedCount: dropped.length, freed: { rows: { run_event: rows }, bytes } };
  }

  removeExpiredKeys(countMax: number): Promise<number> {
    return this.#options.keys.deleteExpiredKeys(countMax);
  }

  #remove(chosenSql: string, parameters: Parameters, isMeasured: boolean): Promise<ThreadBatch> {
    return inTransaction(this.#pool, async (client) => {
      const chosen = await execute<ChosenThread>(client, chosenSql, parameters.values);
      if (chosen.length === 0) return { threadCount: 0, lastThreadId: undefined, freed: NOTHING_FREED };
      const threadIds = chosen.map((row) => row.thread_id);
      const before = isMeasured ? await measureThreads(client, threadIds) : NOTHING_FREED;
      const idsOf = (strategy: RetentionStrategy) =>
        chosen.filter((row) => row.strategy === strategy).map((row) => row.thread_id);
      await this.#deleteThreads(client, idsOf("delete"));
      await this.#pruneThreads(client, idsOf("keep_latest"));
      const freed = isMeasured ? difference(before, await measureThreads(client, threadIds)) : NOTHING_FREED;
      return { threadCount: chosen.length, lastThreadId: threadIds.at(-1), freed };
    });
  }

  async #deleteThreads(client: PoolClient, threadIds: string[]): Promise<void> {
    if (threadIds.length > 0) await deleteLockedThreads(client, threadIds, this.#options.checkpoints);
  }

  /** The epoch moves on so that whoever is changing a state by hand cannot add to what is being removed. */
  async #pruneThreads(client: PoolClient, threadIds: string[]): Promise<void> {
    if (threadIds.length === 0) return;
    // The next change of the thread gives it a new time to live.
    await execute(
      client,
      `update thread set epoch = epoch + 1, expires_at = case when expires_at <= now() then null else expires_at end
       where thread_id = any($1::uuid[])`,
      [threadIds],
    );
    for (const threadId of threadIds) await this.#options.checkpoints.pruneThreadCheckpoints(client, threadId);
  }

  async #measurePartitions(): Promise<Map<string, { rows: number; bytes: number }>> {
    const rows = await execute<{ name: string; rows: number; bytes: number }>(
      this.#pool,
      `select c.relname as name, greatest(c.reltuples, 0)::float8 as rows, pg_total_relation_size(c.oid)::float8 as bytes
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'run_event'::regclass`,
    );
    return new Map(rows.map(({ name, ...size }) => [name, size]));
  }
}
