// What doors may ask of the engine: create, follow, await, cancel runs, and change a thread's state by hand.
import type { AccessFilter } from "../domain/page.ts";
import type { CancelAction, Run, RunStatus } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import type { CheckpointConfig, CheckpointRef, StateUpdate } from "../domain/thread-state.ts";
import type { AgentTree } from "../domain/thread-tape.ts";
import type { RunRequest } from "./run-request.ts";
import type { TapeFollowOptions, TapeListener } from "./tape-listener.ts";

/** Hears a run's stream in order, without gap or repeat. */
export interface RunListener {
  /** A batch of committed events. */
  events(batch: StreamEvent[]): void;
  /** The run has ended and every event was handed over; nothing follows. */
  ended(): void;
  /** Reading failed for good. */
  failed(error: unknown): void;
}

export interface RunEngine {
  /**
   * Creates a run (and its thread, where asked for). Durable when it returns. A run that exists already under the reserved id is
   * returned as it is.
   * @throws NotFoundError for an unknown assistant or thread; ThreadBusyError; QueueFullError
   */
  createRun(request: RunRequest, access?: AccessFilter): Promise<Run>;
  /** A run that exists, also where its temporary thread is hidden already. */
  findCreatedRun(runId: string): Promise<Run | undefined>;
  /**
   * Follows a run's stream from after `afterSeq` (-1: from its start), first from rows, then live. Returns a function that stops it.
   */
  followRun(runId: string, afterSeq: number, listener: RunListener): () => void;
  /**
   * Follows the tape of a thread across its runs, also of a thread that does not exist yet; it has no end. Returns a function that
   * stops it.
   */
  followThread(threadId: string, options: TapeFollowOptions, listener: TapeListener): () => void;
  /**
   * Runs of the thread that are claimed from now on compute the event protocol's events, whatever starts them. A follower sees to it
   * by itself, but only some time after it was opened.
   */
  expectFollower(threadId: string): Promise<void>;
  /** The graphs that a run (the thread's newest without `runId`) called; `undefined` where there is no such run. */
  readAgentTree(threadId: string, runId?: string): Promise<AgentTree | undefined>;
  /**
   * Waits for the run's end; JSON text of an object: the final values, with `__interrupt__` when the run stopped at one, or
   * `{"__error__": {error, message}}`.
   * @throws NotFoundError when the run is deleted meanwhile
   */
  awaitRun(runId: string, signal: AbortSignal): Promise<string>;
  /** With `wait`, returns only when the run has ended. @throws NotFoundError */
  cancelRun(
    runId: string,
    threadId: string,
    options: { action: CancelAction; reason?: string; wait: boolean },
    access?: AccessFilter,
  ): Promise<void>;
  /** Cancels the matching runs. @throws NotFoundError when explicitly named runs are missing */
  cancelRuns(
    query: { threadId?: string; runIds?: string[]; statuses?: RunStatus[] },
    action: CancelAction,
    access?: AccessFilter,
  ): Promise<void>;
  /** @throws NotFoundError, ConflictError "Thread is busy", BadRequestError when the thread has no graph */
  updateThreadState(
    threadId: string,
    update: StateUpdate,
    checkpoint: CheckpointRef | undefined,
    access?: AccessFilter,
  ): Promise<CheckpointConfig>;
  /** Applies supersteps to a fresh thread. */
  applySupersteps(threadId: string, supersteps: { updates: StateUpdate[] }[], access?: AccessFilter): Promise<void>;
}
