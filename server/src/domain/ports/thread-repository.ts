// What the server asks of the place where threads are kept.
import type { JsonObject } from "../json.ts";
import type { AccessFilter, Page, PageQuery } from "../page.ts";
import type { NewThread, Thread, ThreadPatch, ThreadSortKey, ThreadStatus } from "../thread.ts";

export interface ThreadQuery {
  metadata?: JsonObject;
  /** Containment on the thread's values. */
  values?: JsonObject;
  ids?: string[];
  status?: ThreadStatus;
}

export interface ThreadRepository {
  /** @throws ConflictError when it exists and `ifExists` is `raise`. */
  createThread(thread: NewThread, ifExists: "raise" | "do_nothing", access?: AccessFilter): Promise<Thread>;
  /** @param options.withValues whether the thread's values are wanted, which can be thousands of messages. @default true */
  findThread(threadId: string, access?: AccessFilter, options?: { withValues: boolean }): Promise<Thread | undefined>;
  /** `withValues: false` spares reading the threads' values (they are `null` then). */
  searchThreads(
    query: ThreadQuery & PageQuery<ThreadSortKey> & { withValues: boolean },
    access?: AccessFilter,
  ): Promise<Page<Thread>>;
  countThreads(query: ThreadQuery, access?: AccessFilter): Promise<number>;
  /** Merges metadata at the top level. @throws NotFoundError */
  updateThread(threadId: string, patch: ThreadPatch, access?: AccessFilter): Promise<Thread>;
  /** Deletes the thread with its runs, events and checkpoints. @throws NotFoundError */
  deleteThread(threadId: string, access?: AccessFilter): Promise<void>;
  /** Copies thread and checkpoints under a new id. @throws ConflictError "Thread not found" (as the reference server answers). */
  copyThread(threadId: string, newThreadId: string, access?: AccessFilter): Promise<Thread>;
  /** Removes threads, or all but their newest checkpoints; the number of threads touched. */
  pruneThreads(threadIds: string[], strategy: "delete" | "keep_latest", access?: AccessFilter): Promise<number>;
}
