// What ages out of the database, and the verbs that remove it: bounded batches that any number of processes may take at once.

/** What a removal freed; measured only where it was asked for. */
export interface Freed {
  /** Rows by table. */
  rows: Record<string, number>;
  /** Size of the rows, without their index entries. */
  bytes: number;
}

export interface ThreadBatch {
  threadCount: number;
  /** Where to go on; `undefined` when there was nothing more. */
  lastThreadId: string | undefined;
  freed: Freed;
}

export type RetentionStrategy = "delete" | "keep_latest";

export interface Retention {
  /** Removes threads of stateless runs that ended, with their runs and events, once nobody can ask for them any more. */
  removeEndedThreads(options: { countMax: number; isMeasured: boolean }): Promise<ThreadBatch>;
  /** Removes or prunes threads whose time to live is over, as each of them says. Threads with active runs wait. */
  removeExpiredThreads(options: { countMax: number; isMeasured: boolean }): Promise<ThreadBatch>;
  /** Removes or prunes threads that have not changed for `idleMs`, in the order of their ids after `afterThreadId`. */
  removeIdleThreads(options: {
    idleMs: number;
    strategy: RetentionStrategy;
    countMax: number;
    afterThreadId: string | undefined;
  }): Promise<ThreadBatch>;
  /** Makes the partitions of the days to come and drops those whose events have aged out. */
  maintainEventLog(options: { isMeasured: boolean }): Promise<{ droppedCount: number; freed: Freed }>;
  /** Deletes idempotency keys whose time is up; the number deleted. */
  removeExpiredKeys(countMax: number): Promise<number>;
}
