// The run queue on PostgreSQL: each verb is one atomic step of its own file.
import type { Pool } from "pg";
import type {
  Admission,
  AdmitOptions,
  ClaimedRun,
  Fence,
  LeaseRenewal,
  RunEnd,
  RunQueue,
  SweepOptions,
  SweepResult,
} from "../domain/ports/run-queue.ts";
import type { CancelAction, NewRun, Run } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { admitRun } from "./admission.ts";
import { requestCancel } from "./cancel.ts";
import { type ClaimOptions, claimLimitedRuns, claimUnlimitedRuns } from "./claim.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { renewLeases, sweepExpiredLeases } from "./lease.ts";
import { type DeleteRunCheckpoints, endRolledBackRun, endRun, releaseRun } from "./run-end.ts";
import { type RunRow, runColumns, toRun } from "./run-row.ts";

/** One claim in so many takes the oldest due runs instead of the most urgent: the bound on how long a low priority waits. */
const CLAIMS_PER_OLDEST = 8;

export class PostgresRunQueue implements RunQueue {
  readonly #pool: Pool;
  readonly #deleteRunCheckpoints: DeleteRunCheckpoints;
  #claimCount = 0;
  /** Whether runs of assistants with a limit were due at the last claim. */
  #hasLimited = false;

  constructor(pool: Pool, deleteRunCheckpoints: DeleteRunCheckpoints) {
    this.#pool = pool;
    this.#deleteRunCheckpoints = deleteRunCheckpoints;
  }

  admitRun(run: NewRun, options: AdmitOptions): Promise<Admission> {
    return admitRun(this.#pool, run, options, this.#deleteRunCheckpoints);
  }

  async findRun(runId: string): Promise<Run | undefined> {
    const { rows } = await this.#pool.query<RunRow>({
      name: "find_queued_run",
      text: `select ${runColumns("r")} from run r where r.run_id = $1`,
      values: [runId],
    });
    return rows[0] && toRun(cipherOf(this.#pool), rows[0]);
  }

  /**
   * Most claims take the most urgent runs, one in eight the oldest. Runs of assistants with a limit get half of the places first,
   * where some are known to be due, so that neither kind keeps the other waiting.
   */
  async claimRuns(options: ClaimOptions): Promise<ClaimedRun[]> {
    const order = ++this.#claimCount % CLAIMS_PER_OLDEST === 0 ? "age" : "priority";
    const claimed: ClaimedRun[] = [];
    const room = () => options.countMax - claimed.length;
    if (this.#hasLimited) {
      const countMax = Math.ceil(options.countMax / 2);
      claimed.push(...(await claimLimitedRuns(this.#pool, { ...options, countMax })).claimed);
      if (room() === 0) return claimed;
    }
    try {
      const unlimited = await claimUnlimitedRuns(this.#pool, { ...options, countMax: room() }, order);
      this.#hasLimited = unlimited.hasLimited;
      claimed.push(...unlimited.claimed);
      if (!unlimited.hasLimited || room() === 0) return claimed;
      claimed.push(...(await claimLimitedRuns(this.#pool, { ...options, countMax: room() })).claimed);
    } catch (error) {
      // What was claimed already is this worker's; the next claim meets the failure again.
      if (claimed.length === 0) throw error;
    }
    return claimed;
  }

  renewLeases(options: { workerId: string; fences: Fence[]; leaseDurationMs: number }): Promise<LeaseRenewal> {
    return renewLeases(this.#pool, options);
  }

  endRun(fence: Fence, end: RunEnd): Promise<{ hasWaitingRuns: boolean }> {
    return endRun(this.#pool, fence, end);
  }

  endRolledBackRun(fence: Fence): Promise<void> {
    return endRolledBackRun(this.#pool, fence, this.#deleteRunCheckpoints);
  }

  releaseRun(fence: Fence, events: StreamEvent[]): Promise<void> {
    return releaseRun(this.#pool, fence, events);
  }

  requestCancel(runId: string, threadId: string, action: CancelAction, reason: string | null) {
    return requestCancel(this.#pool, runId, threadId, action, reason, this.#deleteRunCheckpoints);
  }

  sweepExpiredLeases(options: SweepOptions): Promise<SweepResult> {
    return sweepExpiredLeases(this.#pool, options);
  }

  async countPending(countMax: number): Promise<number> {
    const result = await this.#pool.query<{ count: number }>(
      "select count(*)::int as count from (select 1 from run where status = 'pending' limit $1) p",
      [countMax],
    );
    return result.rows[0]!.count;
  }
}
