// Whether somebody follows a thread by the event protocol, so that its runs compute events of that protocol.
import type { Pool } from "pg";

/** How long a thread is remembered as followed after the last time somebody opened a stream or started a run of the protocol. */
const WISH_KEPT = "interval '7 days'";
/** A wish is not written again before this is over: followers come and go often. */
const WISH_RENEWED_AFTER = "interval '1 hour'";

/** SQL condition on a thread's row that is known as `alias`. */
export function isTapeWanted(alias: string): string {
  return `coalesce(${alias}.tape_wanted_at > now() - ${WISH_KEPT}, false)`;
}

/** Runs of the thread that are claimed from now on compute protocol events. A thread that does not exist remembers nothing. */
export async function wantTape(pool: Pool, threadId: string): Promise<void> {
  await pool.query({
    name: "want_tape",
    text: `update thread set tape_wanted_at = now() where thread_id = $1::uuid
             and coalesce(tape_wanted_at < now() - ${WISH_RENEWED_AFTER}, true)`,
    values: [threadId],
  });
}
