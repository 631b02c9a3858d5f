// Where runs are found, listed and deleted; queueing, claiming and ending them is the run queue's.
import type { Pool, PoolClient } from "pg";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { RunRepository } from "../domain/ports/run-repository.ts";
import type { Run, RunStatus } from "../domain/run.ts";
import { accessCondition } from "./access-sql.ts";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { type RunRow, runColumns, toRun } from "./run-row.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";
import { showNewestState } from "./thread-head.ts";
import { deleteRunTraces } from "./thread-removal.ts";
import { IS_VISIBLE_THREAD } from "./thread-row.ts";

/** Runs with their threads: whoever may not see the thread sees none of its runs. */
const RUN_OF_THREAD = "run r join thread t on t.thread_id = r.thread_id";

export class PostgresRunRepository implements RunRepository {
  readonly #pool: Pool;
  readonly #checkpoints: CheckpointTables;

  constructor(pool: Pool, checkpoints: CheckpointTables) {
    this.#pool = pool;
    this.#checkpoints = checkpoints;
  }

  async findRun(runId: string, threadId?: string, access?: AccessFilter): Promise<Run | undefined> {
    const parameters = new Parameters();
    const conditions = [`r.run_id = ${parameters.add(runId)}::uuid`, ...visible(access, parameters)];
    if (threadId !== undefined) conditions.push(`r.thread_id = ${parameters.add(threadId)}::uuid`);
    const rows = await execute<RunRow>(
      this.#pool,
      `select ${runColumns("r")} from ${RUN_OF_THREAD} where ${conditions.join(" and ")}`,
      parameters.values,
      access === undefined && threadId !== undefined ? "find_run" : undefined,
    );
    return rows[0] && toRun(cipherOf(this.#pool), rows[0]);
  }

  async listRuns(
    query: { threadId: string; status?: RunStatus; limit: number; offset: number },
    access?: AccessFilter,
  ): Promise<Run[]> {
    const parameters = new Parameters();
    const conditions = [`r.thread_id = ${parameters.add(query.threadId)}::uuid`, ...visible(access, parameters)];
    if (query.status !== undefined) conditions.push(`r.status = ${parameters.add(query.status)}`);
    const rows = await execute<RunRow>(
      this.#pool,
      `select ${runColumns("r")} from ${RUN_OF_THREAD} where ${conditions.join(" and ")}
       order by r.created_at desc, r.run_id desc limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`,
      parameters.values,
    );
    return rows.map((row) => toRun(cipherOf(this.#pool), row));
  }

  /**
   * Where the run wrote checkpoints, the thread falls back to the newest one that is left. These are not taken away under
   * a running run of the same thread, which builds on them.
   */
  async deleteRun(runId: string, threadId: string, access?: AccessFilter): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      const thread = await lockThread(client, threadId, access);
      const run = await lockRun(client, runId, threadId);
      if (thread === undefined || run === undefined) throw new NotFoundError("Run not found");
      if (run.status === "running") throw new ConflictError("Run is running. Cancel it first.");
      const hasWritten = run.started_at !== null;
      if (hasWritten && thread.is_running) {
        throw new ConflictError("Another run of the thread is running. Wait for it or cancel it first.");
      }
      await execute(client, "delete from run where run_id = $1", [runId]);
      await deleteRunTraces(client, [runId]);
      if (run.status === "pending") await execute(client, FREE_THREAD, [threadId]);
      if (!hasWritten) return;
      await this.#checkpoints.deleteRunCheckpoints(client, threadId, runId);
      await showNewestState(client, this.#checkpoints, threadId);
    });
  }

  async findRunIds(
    query: { threadId?: string; runIds?: string[]; statuses: RunStatus[] },
    access?: AccessFilter,
  ): Promise<{ runId: string; threadId: string }[]> {
    if (query.statuses.length === 0) return [];
    const parameters = new Parameters();
    const conditions = visible(access, parameters);
    if (query.threadId !== undefined) conditions.push(`r.thread_id = ${parameters.add(query.threadId)}::uuid`);
    if (query.runIds !== undefined) conditions.push(`r.run_id = any(${parameters.add(query.runIds)}::uuid[])`);
    // One branch a status, each with the status as a literal: pending and running runs have partial indexes of their own.
    const branches = [...new Set(query.statuses)].map(
      (status) =>
        `select r.run_id, r.thread_id, r.queue_order from ${RUN_OF_THREAD}
         where r.status = ${STATUS_LITERALS[status]} and ${conditions.join(" and ")}`,
    );
    const rows = await execute<{ run_id: string; thread_id: string }>(
      this.#pool,
      `select run_id, thread_id from (${branches.join(" union all ")}) as r order by r.queue_order`,
      parameters.values,
    );
    return rows.map((row) => ({ runId: row.run_id, threadId: row.thread_id }));
  }
}

const STATUS_LITERALS: Record<RunStatus, string> = {
  pending: "'pending'",
  running: "'running'",
  success: "'success'",
  error: "'error'",
  timeout: "'timeout'",
  interrupted: "'interrupted'",
};

/** A pending run counts among the thread's active ones until it is gone. */
const FREE_THREAD = `
  update thread t set active_count = t.active_count - 1, updated_at = now(),
    status = case when t.active_count > 1 then 'busy' when t.interrupts <> '{}' then 'interrupted'
      when t.error is not null then 'error' else 'idle' end,
    ended_at = case when t.is_temporary and t.active_count = 1 then now() else t.ended_at end
  where t.thread_id = $1`;

interface LockedThread {
  is_running: boolean;
}

/** The thread before the run: the order in which every writer takes them. */
async function lockThread(
  client: PoolClient,
  threadId: string,
  access: AccessFilter,
): Promise<LockedThread | undefined> {
  const parameters = new Parameters();
  const id = parameters.add(threadId);
  const conditions = [`t.thread_id = ${id}::uuid`, ...visible(access, parameters)].join(" and ");
  const locked = await execute(client, `select 1 from thread t where ${conditions} for update`, parameters.values);
  if (locked.length === 0) return undefined;
  // Only now, with the row held, does a new snapshot show the thread's runs as they will stay.
  const [row] = await execute<LockedThread>(
    client,
    "select exists (select 1 from run where thread_id = $1 and status = 'running') as is_running",
    [threadId],
  );
  return row;
}

async function lockRun(
  client: PoolClient,
  runId: string,
  threadId: string,
): Promise<Pick<RunRow, "status" | "started_at"> | undefined> {
  const [row] = await execute<Pick<RunRow, "status" | "started_at">>(
    client,
    "select status, started_at from run where run_id = $1 and thread_id = $2 for update",
    [runId, threadId],
  );
  return row;
}

function visible(access: AccessFilter, parameters: Parameters): string[] {
  return [IS_VISIBLE_THREAD, accessCondition(access, "t.metadata", parameters)];
}
