// The worker: takes runs from the queue into its slots, keeps their leases, and hands them back when it drains.
import { AttemptsExhaustedError, DatabaseUnavailableError } from "../domain/errors.ts";
import type { LeaseKeeper, StartLeaseKeeper } from "../domain/ports/lease-keeper.ts";
import type { ClaimedRun, LeaseRenewal, SweepResult } from "../domain/ports/run-queue.ts";
import type { CancelAction } from "../domain/run.ts";
import type { Report } from "../observability/report.ts";
import { pause } from "./retry.ts";
import { type Departure, type ExecutionDependencies, RunExecution } from "./run-execution.ts";
import { announceThread } from "./thread-tapes.ts";

export interface WorkerOptions extends ExecutionDependencies {
  workerId: string;
  startLeaseKeeper: StartLeaseKeeper;
  report: Report;
}

/** Followed runs that are remembered until they are claimed; for one that is forgotten, events only come in longer batches. */
const FOLLOWED_COUNT_MAX = 10_000;
const SWEEP_COUNT_MAX = 100;
/** How often each worker looks for runs of dead ones; half a second keeps recovery well under the lease. */
const SWEEP_INTERVAL_MS = 500;

export class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #active = new Map<string, { execution: RunExecution; done: Promise<void> }>();
  readonly #stopping = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #unsubscribe: (() => void)[] = [];
  /** Runs that somebody follows and that no slot here had, oldest first. */
  readonly #followed = new Set<string>();
  #reserved = 0;
  #claiming: Promise<void> | undefined;
  #isClaimWanted = false;
  /** Whether more runs may wait than there were slots for. */
  #isBacklogged = false;
  #keeper: LeaseKeeper | undefined;
  #isSweeping = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get workerId(): string {
    return this.#options.workerId;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get slotsMax(): number {
    return this.#options.limits.slotsMax;
  }

  start(): void {
    const { bus, limits } = this.#options;
    this.#unsubscribe.push(
      bus.subscribePending(() => this.wake()),
      bus.subscribeFollowed((runId) => this.#follow(runId)),
      bus.subscribeCancel((runId, action) => this.cancel(runId, action)),
    );
    this.#timers.push(
      setInterval(() => this.wake(), limits.pollIntervalMs),
      setInterval(() => void this.sweep(), SWEEP_INTERVAL_MS),
    );
    const { workerId, report, startLeaseKeeper } = this.#options;
    this.#keeper = startLeaseKeeper(
      { workerId, leaseDurationMs: limits.leaseDurationMs, heartbeatIntervalMs: limits.heartbeatIntervalMs },
      {
        renewed: (renewal) => this.#onRenewed(renewal),
        failed: (error) => report.databaseUnavailable({ subsystem: "renewing leases", error }),
        blocked: (blockage) => report.eventLoopBlocked({ workerId, ...blockage }),
      },
    );
    void this.sweep();
    this.wake();
  }

  /** Sets a slot aside for a run that this process is about to admit; give it back with `accept` or `unreserve`. */
  reserve(): boolean {
    if (this.#stopping.signal.aborted || this.#freeSlots() <= 0) return false;
    this.#reserved++;
    return true;
  }

  unreserve(): void {
    this.#reserved--;
  }

  /** Takes a run that was claimed for this worker at its admission. */
  accept(claimed: ClaimedRun): void {
    this.#reserved--;
    this.#begin(claimed);
  }

  /** Looks for work soon; cheap to call often. */
  wake(): void {
    if (this.#stopping.signal.aborted) return;
    this.#isClaimWanted = true;
    this.#claiming ??= this.#claimWhileWanted().finally(() => {
      this.#claiming = undefined;
    });
  }

  cancel(runId: string, action: CancelAction): void {
    this.#active.get(runId)?.execution.cancel(action);
  }

  /** A client may join before the run is claimed: that it did is remembered for a while. */
  #follow(runId: string): void {
    const active = this.#active.get(runId);
    if (active !== undefined) {
      active.execution.follow();
      return;
    }
    this.#followed.add(runId);
    if (this.#followed.size > FOLLOWED_COUNT_MAX) this.#followed.delete(this.#followed.values().next().value!);
  }

  /** Stops the runs whose lease is lost and those whose cancel was not heard otherwise. */
  #onRenewed(renewal: LeaseRenewal): void {
    for (const runId of renewal.lost) this.#active.get(runId)?.execution.loseLease();
    for (const { runId, action } of renewal.cancelRequested) this.cancel(runId, action);
  }

  /** Returns runs of dead workers to the queue and ends those that lost their lease too often. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const { queue, limits, workerId, report, bus } = this.#options;
    try {
      const swept = await queue.sweepExpiredLeases({
        sweeperId: workerId,
        attemptMax: limits.attemptMax,
        countMax: SWEEP_COUNT_MAX,
        leaseDurationMs: limits.leaseDurationMs,
      });
      if (swept.requeued.length > 0) {
        report.runsRequeued({ runIds: swept.requeued });
        bus.publishPending();
      }
      for (const claimed of swept.exhausted) await this.#giveUp(claimed);
    } catch (error) {
      this.#reportFailure(error, "sweeping expired leases");
    } finally {
      this.#isSweeping = false;
    }
  }

  /**
   * Takes no more runs; those in flight get `drainGraceMs` to finish, then stop at their next superstep and go back to the
   * queue. Returns when none is left.
   */
  async drain(): Promise<void> {
    if (!this.#stopping.signal.aborted) this.#stopping.abort();
    await this.#claiming;
    const all = () => Promise.all([...this.#active.values()].map(({ done }) => done));
    const grace = new AbortController();
    await Promise.race([all(), pause(this.#options.limits.drainGraceMs, grace.signal)]);
    grace.abort();
    for (const { execution } of this.#active.values()) execution.drain();
    await all();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#keeper?.[Symbol.asyncDispose]();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #freeSlots(): number {
    return this.#options.limits.slotsMax - this.#active.size - this.#reserved;
  }

  async #claimWhileWanted(): Promise<void> {
    const { queue, limits, workerId } = this.#options;
    while (this.#isClaimWanted && !this.#stopping.signal.aborted) {
      this.#isClaimWanted = false;
      const countMax = this.#freeSlots();
      if (countMax <= 0) {
        this.#isBacklogged = true;
        return;
      }
      try {
        this.#reserved += countMax;
        const claimed = await queue.claimRuns({ workerId, countMax, leaseDurationMs: limits.leaseDurationMs });
        this.#reserved -= countMax;
        for (const run of claimed) this.#begin(run);
        this.#isBacklogged = claimed.length === countMax;
      } catch (error) {
        this.#reserved -= countMax;
        this.#reportFailure(error, "claiming runs");
      }
    }
  }

  #begin(claimed: ClaimedRun): void {
    const { report, workerId } = this.#options;
    const { runId, threadId, attempt, availableAt, startedAt } = claimed.run;
    const queueWaitMs = (startedAt ?? availableAt).getTime() - availableAt.getTime();
    report.runClaimed({ runId, threadId, workerId, attempt, queueWaitMs });
    const beganAtMs = performance.now();
    this.#keeper?.hold(claimed.fence);
    announceThread(this.#options.bus, threadId);
    const execution = new RunExecution(claimed, this.#options);
    if (this.#followed.delete(runId)) execution.follow();
    const done = execution
      .execute()
      .then(
        (departure) => this.#reportDeparture(claimed, departure, performance.now() - beganAtMs),
        (error: unknown) => this.#reportFailure(error, `executing run ${runId}`),
      )
      .finally(() => {
        this.#active.delete(runId);
        this.#keeper?.release(runId);
        if (this.#isBacklogged) this.wake();
      });
    this.#active.set(runId, { execution, done });
  }

  #reportDeparture(claimed: ClaimedRun, departure: Departure, durationMs: number): void {
    const { report, workerId } = this.#options;
    const { runId, threadId, attempt } = claimed.run;
    if (departure === "lost") report.leaseLost({ runId, threadId, workerId });
    else if (departure === "released") report.runReleased({ runId, threadId, workerId });
    else report.runEnded({ runId, threadId, status: departure, attempt, durationMs });
  }

  /** The run, if any, stays leased until its lease runs out; then it is tried again, a bounded number of times. */
  #reportFailure(error: unknown, doing: string): void {
    if (error instanceof DatabaseUnavailableError)
      this.#options.report.databaseUnavailable({ subsystem: doing, error });
    else this.#options.report.workerFailed({ workerId: this.workerId, doing, error });
  }

  async #giveUp(claimed: SweepResult["exhausted"][number]): Promise<void> {
    const { queue, bus, report, limits } = this.#options;
    const reason = new AttemptsExhaustedError(
      limits.attemptMax,
      `its worker died or froze each time. ${claimed.lastError}.`,
    );
    const error = { error: reason.name, message: reason.message };
    const event = { seq: claimed.nextEventSeq, event: "error", data: JSON.stringify(error) };
    await queue.endRun(claimed.fence, {
      status: "error",
      error,
      events: [event],
      isThreadInterrupted: false,
      interrupts: {},
    });
    const { runId, threadId, attempt } = claimed.run;
    report.attemptsExhausted({ runId, threadId, attempt, reason: reason.message });
    bus.publishEvents(claimed.run.runId, [event]);
    bus.publishEnded(claimed.run.runId);
  }
}
