// Checks the invariants of RELIABILITY (I1-I7, I9) from the rows, the audit, the sink's record and the clients' logs. I8 needs a
// usage ledger and I10 needs tenants; neither exists yet, so no fault claims them.
import type { Pool } from "pg";
import { checkClientLogs, checkMessages } from "./check-clients.ts";
import { checkEffects } from "./check-effects.ts";
import { checkDeliveries, checkLinearHistory, checkRunsEnded, checkThreadsFree, checkWriters } from "./check-rows.ts";
import type { Effect } from "./sink.ts";

/** One event as a client received it. */
export interface ReceivedEvent {
  id: string;
  event: string;
}

/** What one client saw of one run's stream, over all its connections. */
export interface ClientLog {
  runId: string;
  events: ReceivedEvent[];
  isEnded: boolean;
}

export interface Violation {
  invariant: string;
  detail: string;
}

export interface CheckInput {
  /** The database; `installAudit` was called on it before the first run. */
  pool: Pool;
  /** Runs that were acknowledged; rows of others are checked as well. */
  runIds: string[];
  effects: Effect[];
  clientLogs: ClientLog[];
  /** User messages in the order they were accepted, by thread. */
  acceptedMessages: Map<string, string[]>;
  /** Messages whose request got no answer: each may be there once, or not. */
  uncertainMessages?: Set<string>;
  /** Processes that were frozen or cut off: an effect they had begun may arrive late, under its old key. */
  staleSenders?: Set<string>;
  /** Whether workers' clocks agree, so that times of checkpoints can be compared with the sink's. @default true */
  areClocksTrusted?: boolean;
  /** How runs may end. @default ["success"] */
  expectedStatuses?: string[];
  /** Reads the user messages of a thread's state, in order. */
  readUserMessages: (threadId: string) => Promise<string[]>;
}

export async function checkInvariants(input: CheckInput): Promise<Violation[]> {
  const found = await Promise.all([
    checkRunsEnded(input),
    checkEffects(input),
    checkLinearHistory(input),
    checkWriters(input),
    checkClientLogs(input),
    checkMessages(input),
    checkThreadsFree(input),
    checkDeliveries(input),
  ]);
  return found.flat();
}
