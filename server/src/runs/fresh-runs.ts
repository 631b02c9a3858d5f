// Remembers for a short while the runs created by this process, so that waiting for one needs no look at the rows.
import type { EventBus, LocalEnd } from "../domain/ports/event-bus.ts";

/** How long an ended run's result is kept for a door that has not asked yet. */
const KEEP_ENDED_MS = 5_000;
const COUNT_MAX = 50_000;

interface FreshRun {
  isFollowed: boolean;
  hasEvents: boolean;
  isEnded: boolean;
  end: LocalEnd | undefined;
  stop: () => void;
}

export class FreshRuns implements Disposable {
  readonly #bus: EventBus;
  readonly #runs = new Map<string, FreshRun>();

  constructor(bus: EventBus) {
    this.#bus = bus;
  }

  /** Listens for the run's end from before it is admitted, so that no signal can be missed. */
  expect(runId: string, isFollowed: boolean): void {
    if (this.#runs.size >= COUNT_MAX) return;
    const stop = this.#bus.subscribeRun(runId, (signal) => {
      run.hasEvents = true;
      if (signal.kind !== "ended") return;
      run.isEnded = true;
      run.end = signal.end;
      stop();
      setTimeout(() => this.#runs.delete(runId), KEEP_ENDED_MS).unref();
    });
    const run: FreshRun = { isFollowed, hasEvents: false, isEnded: false, end: undefined, stop };
    this.#runs.set(runId, run);
  }

  forget(runId: string): void {
    this.#runs.get(runId)?.stop();
    this.#runs.delete(runId);
  }

  /** Whether it is certain that no signal of the run has been missed. */
  isUnended(runId: string): boolean {
    return this.#runs.get(runId)?.isEnded === false;
  }

  /** Whether no event of the run has been announced yet: whoever follows from now on misses nothing. */
  isSilent(runId: string): boolean {
    return this.#runs.get(runId)?.hasEvents === false;
  }

  /** Whether its row tells the worker that its stream is followed. */
  isFollowed(runId: string): boolean {
    return this.#runs.get(runId)?.isFollowed === true;
  }

  endOf(runId: string): LocalEnd | undefined {
    return this.#runs.get(runId)?.end;
  }

  [Symbol.dispose](): void {
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
  }
}
