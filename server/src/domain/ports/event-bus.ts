// Carries hints and, within one process, the events themselves; the rows are the truth, a lost message costs only time.
import type { CancelAction } from "../run.ts";
import type { StreamEvent } from "../stream-event.ts";

/** What a subscriber of a run hears. */
export type RunSignal =
  /** Events were committed; `events` is set only where they travelled by memory. */
  | { kind: "events"; events?: StreamEvent[] }
  /** The run reached a terminal status (committed). `end` is set only where it travelled by memory. */
  | { kind: "ended"; end?: LocalEnd };

/** What a worker of the same process knows of a run's end, sparing a look at the rows. */
export interface LocalEnd {
  /** Number of the run's last event. */
  lastSeq: number;
  /** Writes out what `runs/wait` answers (JSON text of an object); called only when somebody waits, for states can be long. */
  readResultJson(): string | undefined;
}

export interface EventBus extends AsyncDisposable {
  /** Tells every process that events of the run were committed. */
  publishEvents(runId: string, events: StreamEvent[]): void;
  publishEnded(runId: string, end?: LocalEnd): void;
  /** Returns a function that ends the subscription. */
  subscribeRun(runId: string, listener: (signal: RunSignal) => void): () => void;
  /** Tells workers that a run is waiting. */
  publishPending(): void;
  subscribePending(listener: () => void): () => void;
  /** Tells workers that somebody follows the run's stream now, so that its events should not wait long for their batch. */
  publishFollowed(runId: string): void;
  subscribeFollowed(listener: (runId: string) => void): () => void;
  publishCancel(runId: string, action: CancelAction): void;
  subscribeCancel(listener: (runId: string, action: CancelAction) => void): () => void;
}
