// What the server asks of the place where runs are kept, apart from the queue itself.
import type { AccessFilter } from "../page.ts";
import type { Run, RunStatus } from "../run.ts";

export interface RunRepository {
  findRun(runId: string, threadId?: string, access?: AccessFilter): Promise<Run | undefined>;
  /** Newest first. */
  listRuns(
    query: { threadId: string; status?: RunStatus; limit: number; offset: number },
    access?: AccessFilter,
  ): Promise<Run[]>;
  /** Removes the run, its events and the checkpoints it wrote. @throws NotFoundError, ConflictError while it is running. */
  deleteRun(runId: string, threadId: string, access?: AccessFilter): Promise<void>;
  /** Runs of a thread (or of all threads) in the given statuses, for bulk cancelling. */
  findRunIds(
    query: { threadId?: string; runIds?: string[]; statuses: RunStatus[] },
    access?: AccessFilter,
  ): Promise<{ runId: string; threadId: string }[]>;
}
