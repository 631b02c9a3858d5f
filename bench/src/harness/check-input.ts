// What the checks of the invariants are given, and what they find.
import type { Pool } from "pg";
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
