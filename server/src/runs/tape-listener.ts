// How a thread's tape is listened to: from where, by which right, and what the listener is told.
import type { StreamEvent } from "../domain/stream-event.ts";
import type { TapeEvent, TapeRun } from "../domain/thread-tape.ts";

/** Hears a thread's tape in order, without gap or repeat. */
export interface TapeListener {
  /** A batch of committed events. */
  events(batch: TapeEvent[]): void;
  /** Reading failed for good, or the follower may not see the thread. */
  failed(error: unknown): void;
}

export interface TapeFollowOptions {
  /** Only what comes after this number; `now` leaves out the runs that have ended. @default everything retained */
  since?: number | "now";
  /** The event that stands for one of a run's log; `undefined` leaves it out. @default the event protocol's */
  toEvent?: (run: TapeRun, event: StreamEvent) => TapeEvent | undefined;
  /** Asked before the events of each run are handed over; what it throws ends the follower. */
  checkAccess?: () => Promise<void>;
}
