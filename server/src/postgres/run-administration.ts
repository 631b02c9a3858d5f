// The operator's view of runs: what their workers went through, and the second chance of a run that was given up.
import type { Pool } from "pg";
import type { RetryOutcome, RunReport } from "../domain/ports/run-administration.ts";
import { isQuarantined, type RunStatus } from "../domain/run.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { openRunError } from "./content/sealed-columns.ts";
import { type RunRow, runColumns, toRun } from "./run-row.ts";
import { execute, inTransaction, Parameters } from "./statement.ts";

interface RunReportRow extends RunRow {
  lost_lease_count: number;
  lease_owner: string | null;
  lease_expires_at: Date | null;
  last_worker: string | null;
  last_error: string | null;
  last_lost_at: Date | null;
}

const REPORT_COLUMNS = `${runColumns("r")}, r.lost_lease_count, r.lease_owner, r.lease_expires_at, r.last_worker,
  r.last_error, r.last_lost_at`;

/** Newest first; ids are made in order of time. */
export async function listRunReports(
  pool: Pool,
  query: { status?: RunStatus; threadId?: string; limit: number },
): Promise<RunReport[]> {
  const parameters = new Parameters();
  const conditions = ["true"];
  if (query.status !== undefined) conditions.push(`r.status = ${parameters.add(query.status)}`);
  if (query.threadId !== undefined) conditions.push(`r.thread_id = ${parameters.add(query.threadId)}::uuid`);
  const rows = await execute<RunReportRow>(
    pool,
    `select ${REPORT_COLUMNS} from run r where ${conditions.join(" and ")}
     order by r.run_id desc limit ${parameters.add(query.limit)}`,
    parameters.values,
  );
  return rows.map((row) => toReport(cipherOf(pool), row));
}

export async function findRunReport(pool: Pool, runId: string): Promise<RunReport | undefined> {
  const [row] = await execute<RunReportRow>(pool, `select ${REPORT_COLUMNS} from run r where r.run_id = $1`, [runId]);
  return row && toReport(cipherOf(pool), row);
}

/**
 * The one way out of `error`: a run that was given up because its workers died goes back to the queue, keeps its id and its
 * checkpoints, and resumes from the last of them. Its stream goes on after the error that was its last event.
 */
export function retryRun(pool: Pool, runId: string): Promise<RetryOutcome> {
  return inTransaction(pool, async (client) => {
    const [found] = await execute<{ thread_id: string }>(client, "select thread_id from run where run_id = $1", [
      runId,
    ]);
    if (found === undefined) return "not_found";
    // The thread before the run: the order in which every writer takes them.
    const [thread] = await execute<{ active_count: number }>(
      client,
      "select active_count from thread where thread_id = $1 for update",
      [found.thread_id],
    );
    const [run] = await execute<Pick<RunRow, "status" | "error">>(
      client,
      "select status, error from run where run_id = $1 for update",
      [runId],
    );
    if (run === undefined) return "not_found";
    const error = openRunError(cipherOf(client), run.error);
    if (!isQuarantined({ ...run, error })) return "not_quarantined";
    if (thread === undefined) return "thread_gone";
    if (thread.active_count > 0) return "thread_busy";
    await execute(
      client,
      `update run set status = 'pending', error = null, lost_lease_count = 0, available_at = now(), ended_at = null,
         cancel_action = null, cancel_reason = null, cancel_requested_at = null, updated_at = now()
       where run_id = $1 and status = 'error'`,
      [runId],
    );
    await execute(
      client,
      `update thread set active_count = 1, status = 'busy', error = null, ended_at = null, updated_at = now()
       where thread_id = $1`,
      [found.thread_id],
    );
    return "retried";
  });
}

function toReport(cipher: ContentCipher, row: RunReportRow): RunReport {
  return {
    run: toRun(cipher, row),
    lostLeaseCount: row.lost_lease_count,
    leaseOwner: row.lease_owner,
    leaseExpiresAt: row.lease_expires_at,
    lastWorker: row.last_worker,
    lastError: row.last_error,
    lastLostAt: row.last_lost_at,
  };
}
