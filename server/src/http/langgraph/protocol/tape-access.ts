// Who may follow a thread's tape, asked when the stream opens and again before each run that comes onto it.
import { NotFoundError } from "../../../domain/errors.ts";
import type { Caller } from "../../operation.ts";
import { threadNotFound } from "../threads/thread-wire.ts";

/** Its values are of no interest here. */
const HEAD = { withValues: false };

/**
 * Lets through who may see the thread, and who asks for one that does not exist yet: clients open the stream before the run that
 * creates the thread. Returns the question to ask before each run; unset where everybody may see everything.
 * @throws ForbiddenError, NotFoundError for a thread the caller may not see
 */
export async function openTape(
  { services, authorize }: Caller,
  threadId: string,
): Promise<{ checkAccess?: () => Promise<void> }> {
  const access = await authorize("threads", "read", { thread_id: threadId });
  if (access === undefined) return {};
  const isVisible = async () => (await services.threads.findThread(threadId, access, HEAD)) !== undefined;
  if (!(await isVisible()) && (await services.threads.findThread(threadId, undefined, HEAD)) !== undefined) {
    throw threadNotFound(threadId);
  }
  return {
    checkAccess: async () => {
      if (!(await isVisible())) throw new NotFoundError("The thread belongs to somebody else.");
    },
  };
}
