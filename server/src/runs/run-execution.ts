// One claimed run on this worker: execute the graph, write its events, and commit how it ended.
import { LeaseLostError, RunTimeoutError } from "../domain/errors.ts";
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { ExecutionOutcome, GraphExecutor } from "../domain/ports/graph-runtime.ts";
import type { ClaimedRun, EventLog, RunEnd, RunQueue } from "../domain/ports/run-queue.ts";
import type { CancelAction, RunError, TerminalRunStatus } from "../domain/run.ts";
import type { NewStreamEvent } from "../domain/stream-event.ts";
import { EventWriter } from "./event-writer.ts";
import {
  CANCEL_SETTLE_MS,
  type EngineLimits,
  EVENT_BATCH_COUNT_MAX,
  EVENT_BUFFER_COUNT_MAX,
  FOLLOWED_FLUSH_INTERVAL_MS,
  UNFOLLOWED_FLUSH_INTERVAL_MS,
} from "./limits.ts";
import { pause, untilDatabaseAnswers } from "./retry.ts";
import { resultJsonOf } from "./run-result.ts";

export interface ExecutionDependencies {
  queue: RunQueue;
  log: EventLog;
  bus: EventBus;
  executor: GraphExecutor;
  limits: EngineLimits;
}

/** How the run left this worker. */
export type Departure = TerminalRunStatus | "rolled_back" | "released" | "lost";

/** Why an execution was stopped from outside; the first reason counts, except that a rollback overrides an interrupt. */
type StopReason = { kind: "cancel"; action: CancelAction } | { kind: "timeout"; message: string } | { kind: "lost" };

/** LangGraph's error for a node that took longer than its own limit or the server's. */
const NODE_TIMEOUT_ERROR = "NodeTimeoutError";

const UNSETTLED: ExecutionOutcome = { status: "cancelled", error: null, isThreadInterrupted: false, interrupts: {} };

export class RunExecution {
  readonly claimed: ClaimedRun;
  readonly #deps: ExecutionDependencies;
  readonly #abort = new AbortController();
  readonly #drain = new AbortController();
  readonly #lost = new AbortController();
  readonly #writer: EventWriter;
  #stop: StopReason | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(claimed: ClaimedRun, deps: ExecutionDependencies) {
    this.claimed = claimed;
    this.#deps = deps;
    this.#writer = new EventWriter({
      fence: claimed.fence,
      log: deps.log,
      bus: deps.bus,
      nextSeq: claimed.nextEventSeq,
      flushIntervalMs: isProbablyFollowed(claimed) ? FOLLOWED_FLUSH_INTERVAL_MS : UNFOLLOWED_FLUSH_INTERVAL_MS,
      batchCountMax: EVENT_BATCH_COUNT_MAX,
      bufferCountMax: EVENT_BUFFER_COUNT_MAX,
      signal: this.#lost.signal,
      onFailure: () => this.loseLease(),
    });
    if (claimed.cancelAction !== null) this.cancel(claimed.cancelAction);
  }

  /** Somebody reads the stream: its events no longer wait for long batches. */
  follow(): void {
    this.#writer.setFlushInterval(FOLLOWED_FLUSH_INTERVAL_MS);
  }

  /** Stops the graph; the run ends `interrupted` or is rolled back. */
  cancel(action: CancelAction): void {
    if (this.#stop?.kind === "lost") return;
    if (this.#stop?.kind === "cancel" && this.#stop.action === "rollback") return;
    this.#stop = { kind: "cancel", action };
    this.#abort.abort(new Error("The run was cancelled."));
  }

  /** Another worker owns the thread: stop, write nothing, tell nobody. */
  loseLease(): void {
    this.#stop = { kind: "lost" };
    this.#lost.abort();
    this.#abort.abort(new LeaseLostError(this.claimed.fence.threadId));
  }

  /** Asks the graph to stop at the next superstep boundary, so that another worker can go on from there. */
  drain(): void {
    this.#drain.abort();
  }

  /** Runs to an end of any kind; never throws for what the graph does. */
  async execute(): Promise<Departure> {
    const { run } = this.claimed;
    this.#writer.emit({ event: "metadata", data: JSON.stringify({ run_id: run.runId, attempt: run.attempt }) });
    const stopTimers = this.#startTimers();
    try {
      const outcome = await this.#settle();
      return await this.#conclude(outcome);
    } catch (error) {
      if (error instanceof LeaseLostError || this.#stop?.kind === "lost") return "lost";
      throw error;
    } finally {
      stopTimers();
    }
  }

  #startTimers(): () => void {
    const { runTimeoutMs, idleTimeoutMs } = this.#deps.limits;
    const timers: NodeJS.Timeout[] = [];
    if (runTimeoutMs > 0) {
      const expire = () => this.#timeOut(`The run took longer than ${runTimeoutMs} ms.`);
      timers.push(setTimeout(expire, runTimeoutMs));
    }
    if (idleTimeoutMs > 0) {
      const expire = () => this.#timeOut(`The run sent no event for ${idleTimeoutMs} ms.`);
      this.#idleTimer = setTimeout(expire, idleTimeoutMs);
      timers.push(this.#idleTimer);
    }
    return () => timers.forEach(clearTimeout);
  }

  #timeOut(message: string): void {
    if (this.#stop !== undefined) return;
    this.#stop = { kind: "timeout", message };
    this.#abort.abort(new RunTimeoutError(message));
  }

  #emit(event: NewStreamEvent): void {
    this.#idleTimer?.refresh();
    this.#writer.emit(event);
  }

  /** The graph's own outcome, or that of a stop which the graph did not heed in time. */
  async #settle(): Promise<ExecutionOutcome> {
    const { executor } = this.#deps;
    const running = executor.executeRun(this.claimed, {
      signal: this.#abort.signal,
      drainSignal: this.#drain.signal,
      emit: (event) => this.#emit(event),
    });
    const giveUp = new AbortController();
    const unheeded = new Promise<ExecutionOutcome>((resolve) => {
      const onAbort = () => void pause(CANCEL_SETTLE_MS, giveUp.signal).then(() => resolve(UNSETTLED));
      if (this.#abort.signal.aborted) onAbort();
      else this.#abort.signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([running, unheeded]);
    } finally {
      giveUp.abort();
      running.catch(() => undefined);
    }
  }

  async #conclude(outcome: ExecutionOutcome): Promise<Departure> {
    const stop = this.#stop;
    if (stop?.kind === "lost") return "lost";
    if (stop?.kind === "cancel" && stop.action === "rollback") return this.#rollBack();
    if (stop?.kind === "cancel") return this.#end("interrupted", outcome, null);
    if (stop?.kind === "timeout") {
      const error = { error: "RunTimeoutError", message: stop.message };
      this.#writer.emit({ event: "error", data: JSON.stringify(error) });
      return this.#end("timeout", outcome, error);
    }
    if (outcome.status === "drained") return this.#release();
    return this.#end(statusOf(outcome), outcome, outcome.error);
  }

  async #end(status: TerminalRunStatus, outcome: ExecutionOutcome, error: RunError | null): Promise<Departure> {
    const { queue, bus } = this.#deps;
    const { fence } = this.claimed;
    const events = await this.#writer.takeRest();
    const end: RunEnd = {
      status,
      error,
      events,
      values: outcome.values ?? this.#uncheckpointedValues(outcome),
      isThreadInterrupted: outcome.isThreadInterrupted,
      interrupts: outcome.interrupts,
    };
    const { hasWaitingRuns } = await untilDatabaseAnswers(() => queue.endRun(fence, end), this.#lost.signal);
    if (events.length > 0) bus.publishEvents(fence.runId, events);
    bus.publishEnded(fence.runId, {
      lastSeq: this.#writer.lastSeq,
      readResultJson: () => resultJsonOf(outcome.finalValuesJson, outcome.interrupts, error),
    });
    // The end also leaves room for another run of an assistant that limits them.
    if (hasWaitingRuns || this.claimed.run.kwargs.isLimited) bus.publishPending();
    return status;
  }

  /** Without checkpoints the thread's row is the only place where another process can find the result. */
  #uncheckpointedValues(outcome: ExecutionOutcome): RunEnd["values"] {
    if (this.claimed.run.kwargs.isCheckpointed || outcome.finalValuesJson === undefined) return undefined;
    return { json: outcome.finalValuesJson, omittedChannels: [], checkpointId: null };
  }

  async #rollBack(): Promise<Departure> {
    const { queue, bus } = this.#deps;
    await this.#writer.takeRest();
    await untilDatabaseAnswers(() => queue.endRolledBackRun(this.claimed.fence), this.#lost.signal);
    bus.publishEnded(this.claimed.run.runId);
    bus.publishPending();
    return "rolled_back";
  }

  async #release(): Promise<Departure> {
    const { queue, bus } = this.#deps;
    const events = await this.#writer.takeRest();
    await untilDatabaseAnswers(() => queue.releaseRun(this.claimed.fence, events), this.#lost.signal);
    if (events.length > 0) bus.publishEvents(this.claimed.run.runId, events);
    bus.publishPending();
    return "released";
  }
}

/** Who followed a run before another worker took it over said so to that worker only. */
function isProbablyFollowed({ run, nextEventSeq }: ClaimedRun): boolean {
  return run.kwargs.isFollowed === true || run.isTaped || nextEventSeq > 0;
}

function statusOf({ status, error }: ExecutionOutcome): TerminalRunStatus {
  if (status !== "error") return "success";
  return error?.error === NODE_TIMEOUT_ERROR ? "timeout" : "error";
}
