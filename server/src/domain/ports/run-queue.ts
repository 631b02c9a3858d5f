// The queue of runs: admission, claim, lease and end, each one atomic step decided by PostgreSQL's clock and rows.

import type { HoldfastError } from "../errors.ts";
import type { CancelAction, NewRun, Run, RunError, RunStatus, TerminalRunStatus } from "../run.ts";
import type { StreamEvent } from "../stream-event.ts";
import type { InterruptRecord } from "../thread.ts";

/** Proof of the right to write: valid while the thread's epoch is still this one. */
export interface Fence {
  threadId: string;
  runId: string;
  /** Decimal text of a bigint. */
  epoch: string;
}

/** A run handed to a worker with the right to write its thread. */
export interface ClaimedRun {
  run: Run;
  fence: Fence;
  /** Number the next event of this run gets; above 0 when an earlier attempt wrote events. */
  nextEventSeq: number;
  /** A cancel that was asked for before the claim, if any. */
  cancelAction: CancelAction | null;
  /** Why it cannot be carried out by this process; it ends with this error. */
  problem?: HoldfastError;
}

/** What admission decided. */
export interface Admission {
  run: Run;
  /** Runs of the thread that must stop first: running ones get a control signal; pending ones have already ended. */
  cancelled: { runId: string; action: CancelAction }[];
  /** Set when the run was claimed for `claimFor` in the same statement. */
  claimed?: ClaimedRun;
}

/** How a run ended and what its thread looks like now. */
export interface RunEnd {
  status: TerminalRunStatus;
  error: RunError | null;
  /** Events not yet written, the last ones of the stream. */
  events: StreamEvent[];
  /** Output channels at the newest checkpoint in wire form; `undefined` leaves the thread's values as they are. */
  values?: ThreadValues;
  /** Whether the thread waits: its newest checkpoint has tasks to run. */
  isThreadInterrupted: boolean;
  interrupts: Record<string, InterruptRecord[]>;
}

export interface ThreadValues {
  /** JSON text of the values, or of the part that is kept on the thread row. */
  json: string;
  /** Channels left out because the checkpoint's list segments hold them. */
  omittedChannels: string[];
  checkpointId: string | null;
}

/** What the control side wants of a running run, learned on heartbeat. */
export interface LeaseRenewal {
  /** Run ids whose lease is lost: abort them, write nothing. */
  lost: string[];
  cancelRequested: { runId: string; action: CancelAction }[];
}

export interface SweepResult {
  requeued: string[];
  /** Runs whose lease was lost `attemptMax` times, with what is known of the last loss: the sweeper holds them now and must end them. */
  exhausted: (ClaimedRun & { lastError: string })[];
}

export interface SweepOptions {
  sweeperId: string;
  attemptMax: number;
  countMax: number;
  /** How long the sweeper has to end an exhausted run. */
  leaseDurationMs: number;
}

export interface AdmitOptions {
  /** Worker of this process with a free slot: the run is claimed for it in the same statement where nothing stands in its way. */
  claimFor?: string;
  leaseDurationMs: number;
}

export interface RunQueue {
  /**
   * Decides by the multitask strategy under the thread's row, inserts the run, marks the thread busy. With
   * `claimFor`, claims it at once where nothing stands in its way.
   * @throws NotFoundError, ThreadBusyError
   */
  admitRun(run: NewRun, options: AdmitOptions): Promise<Admission>;
  /** The run, whoever may see it; also where its temporary thread is hidden already. */
  findRun(runId: string): Promise<Run | undefined>;
  /** Takes up to `countMax` due runs whose threads have no running run. */
  claimRuns(options: { workerId: string; countMax: number; leaseDurationMs: number }): Promise<ClaimedRun[]>;
  renewLeases(options: { workerId: string; fences: Fence[]; leaseDurationMs: number }): Promise<LeaseRenewal>;
  /** Ends the run, frees the thread, writes the last events and the webhook row: one transaction. @throws LeaseLostError */
  endRun(fence: Fence, end: RunEnd): Promise<{ hasWaitingRuns: boolean }>;
  /** Ends a rolled-back run: deletes it with its events and checkpoints and frees the thread. @throws LeaseLostError */
  endRolledBackRun(fence: Fence): Promise<void>;
  /** Hands an unfinished run back so that another worker continues it at once. @throws LeaseLostError */
  releaseRun(fence: Fence, events: StreamEvent[]): Promise<void>;
  /** Asks for a cancel. Pending runs end at once; running ones are marked, and their worker must be signalled. */
  requestCancel(
    runId: string,
    threadId: string,
    action: CancelAction,
    reason: string | null,
  ): Promise<"ended" | "signalled" | "already_ended" | "not_found">;
  /** Returns runs whose lease ran out to the queue, or ends them when their attempts are used up. */
  sweepExpiredLeases(options: SweepOptions): Promise<SweepResult>;
  /** Number of pending runs, counted up to `countMax`. */
  countPending(countMax: number): Promise<number>;
}

/** Where a reader of a run's stream stands. */
export interface EventCursor {
  runId: string;
  /** Number of the last event it has; -1 for none. */
  afterSeq: number;
}

/** Some of a run's next events. */
export interface EventPage {
  events: StreamEvent[];
  /** Whether there may be more right after these. */
  isMore: boolean;
}

/** What the rows tell of a run's result. */
export interface RunOutcomeRecord {
  threadId: string;
  error: RunError | null;
  /** JSON text of the thread's values; `null` where there are none, or where some must be read from the checkpoint. */
  valuesJson: string | null;
  areValuesPartial: boolean;
  interrupts: Record<string, InterruptRecord[]>;
}

/** The append-only log of runs' streams. */
export interface EventLog {
  /** Appends under the fence; appending the same numbers again changes nothing. @throws LeaseLostError */
  appendEvents(fence: Fence, events: StreamEvent[]): Promise<void>;
  /** The next events of each run, in order, at most `countMax` a run and less where they are long. */
  readEvents(cursors: EventCursor[], countMax: number): Promise<Map<string, EventPage>>;
  /** Statuses of runs; a run that no longer exists is missing from the map. */
  readStatuses(runIds: string[]): Promise<Map<string, RunStatus>>;
  /** Also of runs whose temporary thread is hidden already. */
  readOutcome(runId: string): Promise<RunOutcomeRecord | undefined>;
}
