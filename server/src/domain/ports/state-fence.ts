// The right to change a thread's state by hand, taken and given back like a worker's lease so that no run can slip in between.
import type { AccessFilter } from "../page.ts";
import type { StateWrite } from "./graph-runtime.ts";
import type { Fence } from "./run-queue.ts";

export interface StateFences {
  /** Raises the thread's epoch where no run is pending or running. @throws NotFoundError, ConflictError "Thread is busy" */
  acquireStateFence(threadId: string, access?: AccessFilter): Promise<Fence>;
  /** Publishes the new state on the thread row under the fence. @throws LeaseLostError */
  commitStateWrite(fence: Fence, write: StateWrite): Promise<void>;
}
