// What the server asks of the place where the runs of a thread's tape are found; their events are in the runs' own logs.
import type { TapeRun } from "../thread-tape.ts";

export interface ThreadTapeLog {
  /** Somebody follows the thread: runs that are claimed from now on compute protocol events, whatever started them. */
  wantTape(threadId: string): Promise<void>;
  /** Runs after block `afterBlock` in the order of the tape, at most `countMax`, and none older than the last `retainedCount` blocks. */
  readTapeRuns(
    threadId: string,
    afterBlock: number,
    options: { countMax: number; retainedCount: number },
  ): Promise<TapeRun[]>;
  /** The run, where it is on the tape. */
  findTapeRun(runId: string): Promise<TapeRun | undefined>;
  /** The run that came last onto the tape. */
  findNewestTapeRun(threadId: string): Promise<TapeRun | undefined>;
  /** Number of the newest block of each thread; threads that do not exist are missing. */
  readTapeBlocks(threadIds: string[]): Promise<Map<string, number>>;
  /** The run's lifecycle events of subgraphs, in order: JSON texts of their `params`. */
  readLifecycles(runId: string): Promise<string[]>;
}
