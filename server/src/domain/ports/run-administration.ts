// What an operator may ask of the runs of a database: look at them, cancel them, and give up runs another chance.
import type { CancelAction, Run, RunStatus } from "../run.ts";

/** A run with what its workers went through. */
export interface RunReport {
  run: Run;
  /** Claims that ended with a lost lease since the run was created or retried. */
  lostLeaseCount: number;
  /** The worker that runs it now. */
  leaseOwner: string | null;
  leaseExpiresAt: Date | null;
  /** The last worker that lost it, why, and when that was found. */
  lastWorker: string | null;
  lastError: string | null;
  lastLostAt: Date | null;
}

export type RetryOutcome = "retried" | "not_found" | "not_quarantined" | "thread_busy" | "thread_gone";

export interface RunAdministration {
  /** Newest first. */
  listRuns(query: { status?: RunStatus; threadId?: string; limit: number }): Promise<RunReport[]>;
  findRun(runId: string): Promise<RunReport | undefined>;
  /** Puts a quarantined run back into the queue with its lost leases forgotten, where its thread is free. */
  retryRun(runId: string): Promise<RetryOutcome>;
  cancelRun(runId: string, action: CancelAction): Promise<"ended" | "signalled" | "already_ended" | "not_found">;
}
