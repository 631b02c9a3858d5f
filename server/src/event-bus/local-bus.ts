// The event bus of one process: who listens to what, delivered synchronously.
import type { EventBus, LocalEnd, RunSignal } from "../domain/ports/event-bus.ts";
import type { CancelAction } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";

export class LocalBus implements EventBus {
  readonly #runs = new Map<string, Set<(signal: RunSignal) => void>>();
  readonly #pending = new Set<() => void>();
  readonly #followed = new Set<(runId: string) => void>();
  readonly #cancels = new Set<(runId: string, action: CancelAction) => void>();

  publishEvents(runId: string, events: StreamEvent[]): void {
    this.#signal(runId, { kind: "events", events });
  }

  /** Events of the run were committed by another process; they must be read from the rows. */
  hintEvents(runId: string): void {
    this.#signal(runId, { kind: "events" });
  }

  publishEnded(runId: string, end?: LocalEnd): void {
    this.#signal(runId, { kind: "ended", end });
  }

  /** Signals from other processes may have been missed: every listener should look at the rows. */
  hintAll(): void {
    for (const runId of [...this.#runs.keys()]) this.#signal(runId, { kind: "ended" });
    this.publishPending();
  }

  /** Runs that somebody listens to. */
  get runIds(): Iterable<string> {
    return this.#runs.keys();
  }

  hasListeners(runId: string): boolean {
    return this.#runs.has(runId);
  }

  subscribeRun(runId: string, listener: (signal: RunSignal) => void): () => void {
    const listeners = this.#runs.get(runId) ?? new Set();
    listeners.add(listener);
    this.#runs.set(runId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#runs.get(runId) === listeners) this.#runs.delete(runId);
    };
  }

  publishPending(): void {
    for (const listener of this.#pending) listener();
  }

  subscribePending(listener: () => void): () => void {
    this.#pending.add(listener);
    return () => this.#pending.delete(listener);
  }

  publishFollowed(runId: string): void {
    for (const listener of this.#followed) listener(runId);
  }

  subscribeFollowed(listener: (runId: string) => void): () => void {
    this.#followed.add(listener);
    return () => this.#followed.delete(listener);
  }

  publishCancel(runId: string, action: CancelAction): void {
    for (const listener of this.#cancels) listener(runId, action);
  }

  subscribeCancel(listener: (runId: string, action: CancelAction) => void): () => void {
    this.#cancels.add(listener);
    return () => this.#cancels.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runs.clear();
    this.#pending.clear();
    this.#followed.clear();
    this.#cancels.clear();
  }

  #signal(runId: string, signal: RunSignal): void {
    const listeners = this.#runs.get(runId);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) listener(signal);
  }
}
