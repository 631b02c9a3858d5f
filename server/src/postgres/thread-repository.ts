// Where threads are kept.
import type { Pool, PoolClient } from "pg";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { ThreadQuery, ThreadRepository } from "../domain/ports/thread-repository.ts";
import type { NewThread, Thread, ThreadPatch, ThreadSortKey } from "../domain/thread.ts";
import { accessCondition } from "./access-sql.ts";
import type { CheckpointTables, ReadOmittedValues } from "./checkpoint-tables.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { isUniqueViolation } from "./pg-errors.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";
import { showNewestState } from "./thread-head.ts";
import { deleteThreadsWhere } from "./thread-removal.ts";
import { IS_VISIBLE_THREAD, type ThreadRow, threadColumns, toThreads } from "./thread-row.ts";
import { countThreads, searchThreads } from "./thread-search.ts";
import { copyToolEffects } from "./tool-effects.ts";

export interface ThreadRepositoryParts {
  checkpoints: CheckpointTables;
  /** Reads channels that thread rows leave out; called at most once per page of a search. */
  readOmittedValues: ReadOmittedValues;
}

export class PostgresThreadRepository implements ThreadRepository {
  readonly #pool: Pool;
  readonly #checkpoints: CheckpointTables;
  readonly #readOmittedValues: ReadOmittedValues;

  constructor(pool: Pool, parts: ThreadRepositoryParts) {
    this.#pool = pool;
    this.#checkpoints = parts.checkpoints;
    this.#readOmittedValues = parts.readOmittedValues;
  }

  async createThread(thread: NewThread, ifExists: "raise" | "do_nothing", access?: AccessFilter): Promise<Thread> {
    const rows = await execute<ThreadRow>(
      this.#pool,
      `insert into thread as t (thread_id, metadata, config, ttl_strategy, ttl_minutes, expires_at)
       values ($1, $2, $3, $4, $5, now() + $5::double precision * interval '1 minute')
       on conflict (thread_id) do nothing returning ${threadColumns()}`,
      [
        thread.threadId,
        JSON.stringify(thread.metadata),
        JSON.stringify(thread.config ?? {}),
        thread.ttl?.strategy ?? null,
        thread.ttl?.ttlMinutes ?? null,
      ],
    );
    if (rows[0] !== undefined) return this.#present(rows[0]);
    // Read in a statement of its own: the snapshot of the insert may be older than the row it ran into.
    const existing = ifExists === "do_nothing" ? await this.findThread(thread.threadId, access) : undefined;
    if (existing === undefined) throw new ConflictError("Thread already exists");
    return existing;
  }

  async findThread(
    threadId: string,
    access?: AccessFilter,
    options: { withValues: boolean } = { withValues: true },
  ): Promise<Thread | undefined> {
    const parameters = new Parameters();
    const name = options.withValues ? "find_thread" : "find_thread_without_values";
    const rows = await execute<ThreadRow>(
      this.#pool,
      `select ${threadColumns(options)} from thread t where ${oneThread(threadId, access, parameters)}`,
      parameters.values,
      access === undefined ? name : undefined,
    );
    return rows[0] && this.#present(rows[0]);
  }

  searchThreads(
    query: ThreadQuery & PageQuery<ThreadSortKey> & { withValues: boolean },
    access?: AccessFilter,
  ): Promise<Page<Thread>> {
    return searchThreads(this.#pool, query, access, this.#readOmittedValues);
  }

  countThreads(query: ThreadQuery, access?: AccessFilter): Promise<number> {
    return countThreads(this.#pool, query, access, this.#readOmittedValues);
  }

  async updateThread(threadId: string, patch: ThreadPatch, access?: AccessFilter): Promise<Thread> {
    const parameters = new Parameters();
    const minutes =
      patch.ttl === undefined ? "t.ttl_minutes" : `${parameters.add(patch.ttl.ttlMinutes)}::double precision`;
    const assignments = ["updated_at = now()", `expires_at = now() + ${minutes} * interval '1 minute'`];
    if (patch.metadata !== undefined)
      assignments.push(`metadata = t.metadata || ${parameters.addJson(patch.metadata)}`);
    if (patch.ttl !== undefined) {
      assignments.push(`ttl_minutes = ${minutes}`, `ttl_strategy = ${parameters.add(patch.ttl.strategy)}`);
    }
    const rows = await execute<ThreadRow>(
      this.#pool,
      `update thread t set ${assignments.join(", ")} where ${oneThread(threadId, access, parameters)}
       returning ${threadColumns()}`,
      parameters.values,
    );
    if (rows[0] === undefined) throw threadNotFound(threadId);
    return this.#present(rows[0]);
  }

  async deleteThread(threadId: string, access?: AccessFilter): Promise<void> {
    if ((await this.#deleteThreads([threadId], access)) === 0) throw threadNotFound(threadId);
  }

  /**
   * The copy is what the source was at one moment, also while a run works on it: all statements share one snapshot. It waits
   * for the same interrupts as the source, has no runs, and none of the config that runs left on the source.
   */
  async copyThread(threadId: string, newThreadId: string, access?: AccessFilter): Promise<Thread> {
    const row = await inTransaction(
      this.#pool,
      async (client) => {
        const parameters = new Parameters();
        const newId = `${parameters.add(newThreadId)}::uuid`;
        const rows = await execute<ThreadRow>(
          client,
          `insert into thread as t (thread_id, status, metadata, "values", omitted_channels, head_checkpoint_id, interrupts,
             state_updated_at, ttl_strategy, ttl_minutes, expires_at)
           select ${newId}, case when t.interrupts <> '{}' then 'interrupted' else 'idle' end,
             t.metadata || jsonb_build_object('thread_id', ${newId}), t."values", t.omitted_channels, t.head_checkpoint_id,
             t.interrupts, t.state_updated_at, t.ttl_strategy, t.ttl_minutes, now() + t.ttl_minutes * interval '1 minute'
           from thread t where ${oneThread(threadId, access, parameters)}
           returning ${threadColumns()}`,
          parameters.values,
        );
        if (rows[0] === undefined) throw new ConflictError("Thread not found");
        await this.#checkpoints.copyThreadCheckpoints(client, threadId, newThreadId);
        await copyToolEffects(client, threadId, newThreadId);
        return (await this.#catchUpCopy(client, threadId, newThreadId)) ?? rows[0];
      },
      "repeatable read",
    ).catch((error: unknown) => {
      throw isUniqueViolation(error, "thread_pkey") ? new ConflictError("Thread already exists") : error;
    });
    return this.#present(row);
  }

  /** A run shows its values on the thread when it ends: while it works, the checkpoints are ahead of the row that was copied. */
  async #catchUpCopy(client: PoolClient, threadId: string, newThreadId: string): Promise<ThreadRow | undefined> {
    const active = await execute(client, "select 1 from thread where thread_id = $1 and active_count > 0", [threadId]);
    if (active.length === 0) return undefined;
    await showNewestState(client, this.#checkpoints, newThreadId);
    const rows = await execute<ThreadRow>(client, `select ${threadColumns()} from thread t where t.thread_id = $1`, [
      newThreadId,
    ]);
    return rows[0];
  }

  /** `keep_latest` leaves threads with active runs alone: their worker builds on the checkpoints it has read. */
  async pruneThreads(threadIds: string[], strategy: "delete" | "keep_latest", access?: AccessFilter): Promise<number> {
    if (strategy === "delete") return this.#deleteThreads(threadIds, access);
    return inTransaction(this.#pool, async (client) => {
      const parameters = new Parameters();
      // The epoch moves on so that whoever is changing a state by hand cannot add to what is being removed.
      const pruned = await execute<{ thread_id: string }>(
        client,
        `with chosen as materialized (
           select t.thread_id from thread t where ${IS_VISIBLE_THREAD} and t.active_count = 0
             and t.thread_id = any(${parameters.add(threadIds)}::uuid[]) and ${accessCondition(access, "t.metadata", parameters)}
           order by t.thread_id for update
         )
         update thread t set epoch = t.epoch + 1 from chosen where t.thread_id = chosen.thread_id returning t.thread_id`,
        parameters.values,
      );
      for (const { thread_id } of pruned) await this.#checkpoints.pruneThreadCheckpoints(client, thread_id);
      return pruned.length;
    });
  }

  #deleteThreads(threadIds: string[], access: AccessFilter): Promise<number> {
    return inTransaction(this.#pool, (client) => {
      const parameters = new Parameters();
      const condition = `t.thread_id = any(${parameters.add(threadIds)}::uuid[]) and ${accessCondition(access, "t.metadata", parameters)}`;
      return deleteThreadsWhere(client, condition, parameters.values, this.#checkpoints);
    });
  }

  async #present(row: ThreadRow): Promise<Thread> {
    const [thread] = await toThreads(cipherOf(this.#pool), [row], this.#readOmittedValues);
    return thread!;
  }
}

function oneThread(threadId: string, access: AccessFilter, parameters: Parameters): string {
  return `t.thread_id = ${parameters.add(threadId)}::uuid and ${IS_VISIBLE_THREAD}
    and ${accessCondition(access, "t.metadata", parameters)}`;
}

function threadNotFound(threadId: string): NotFoundError {
  return new NotFoundError(`Thread with ID ${threadId} not found`);
}
