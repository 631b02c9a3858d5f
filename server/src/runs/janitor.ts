// The janitor: removes what nobody can ask for any more, a bounded batch at a time; any number of processes may have one.
import type { Retention } from "../domain/ports/retention.ts";
import type { Report } from "../observability/report.ts";

/** Rows of one batch: short transactions, so that nobody waits for the janitor. */
const THREADS_PER_BATCH = 200;
const KEYS_PER_BATCH = 1_000;

export interface JanitorOptions {
  retention: Retention;
  /** Threads whose time to live is over, removed in one sweep at most. */
  expiredThreadsPerSweep: number;
  report: Report;
}

export class Janitor {
  readonly #options: JanitorOptions;

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  /** Ended threads of stateless runs, and idempotency keys whose time is up; `true` when there may be more. */
  async removeEnded(): Promise<boolean> {
    const { retention, report } = this.#options;
    const { threadCount } = await retention.removeEndedThreads({ countMax: THREADS_PER_BATCH, isMeasured: false });
    const keyCount = await retention.removeExpiredKeys(KEYS_PER_BATCH);
    if (threadCount + keyCount > 0) report.agedOut({ what: "ended threads and keys", count: threadCount + keyCount });
    return threadCount === THREADS_PER_BATCH || keyCount === KEYS_PER_BATCH;
  }

  /** One sweep of threads whose time to live is over. The next interval takes the rest where the limit was reached. */
  async removeExpired(): Promise<boolean> {
    const { retention, report, expiredThreadsPerSweep } = this.#options;
    let count = 0;
    while (count < expiredThreadsPerSweep) {
      const countMax = Math.min(THREADS_PER_BATCH, expiredThreadsPerSweep - count);
      const { threadCount } = await retention.removeExpiredThreads({ countMax, isMeasured: false });
      count += threadCount;
      if (threadCount < countMax) break;
    }
    if (count > 0) report.agedOut({ what: "expired threads", count });
    return false;
  }

  /** Days of the event log: made ahead, dropped when they have aged out. */
  async maintainEventLog(): Promise<boolean> {
    const { retention, report } = this.#options;
    const { droppedCount } = await retention.maintainEventLog({ isMeasured: false });
    if (droppedCount > 0) report.agedOut({ what: "days of events", count: droppedCount });
    return false;
  }
}
