// The default event bus: memory within the process, LISTEN/NOTIFY between processes, ids only, at most one NOTIFY in flight.
import type { EventBus, LocalEnd, RunSignal } from "../domain/ports/event-bus.ts";
import type { CancelAction } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { LocalBus } from "./local-bus.ts";

/** PostgreSQL refuses payloads of 8000 bytes; one hint is at most 46 characters. */
const HINTS_PER_NOTIFY_MAX = 150;

export const NOTIFY_CHANNEL = "holdfast";

/** Sends one NOTIFY on the channel. */
export type Notify = (channel: string, payload: string) => Promise<void>;

export interface PostgresBusOptions {
  /** Tells this process's own notices from others'. */
  processId: string;
  notify: Notify;
  /** Told when a notice could not be sent; the slow poll makes up for it. */
  onNotifyError: (error: unknown) => void;
}

export class PostgresBus implements EventBus {
  readonly #local = new LocalBus();
  readonly #options: PostgresBusOptions;
  #hints = new Set<string>();
  #sending: Promise<void> | undefined;

  constructor(options: PostgresBusOptions) {
    this.#options = options;
  }

  publishEvents(runId: string, events: StreamEvent[]): void {
    this.#local.publishEvents(runId, events);
    this.#hint(`e${runId}`);
  }

  publishEnded(runId: string, end?: LocalEnd): void {
    this.#local.publishEnded(runId, end);
    this.#hint(`d${runId}`);
  }

  publishPending(): void {
    this.#local.publishPending();
    this.#hint("p");
  }

  publishCancel(runId: string, action: CancelAction): void {
    this.#local.publishCancel(runId, action);
    this.#hint(`${action === "interrupt" ? "i" : "r"}${runId}`);
  }

  subscribeRun(runId: string, listener: (signal: RunSignal) => void): () => void {
    return this.#local.subscribeRun(runId, listener);
  }

  subscribePending(listener: () => void): () => void {
    return this.#local.subscribePending(listener);
  }

  subscribeCancel(listener: (runId: string, action: CancelAction) => void): () => void {
    return this.#local.subscribeCancel(listener);
  }

  /** Takes in a notice from the LISTEN connection. */
  receive(payload: string): void {
    const [processId, ...hints] = payload.split(",");
    if (processId === this.#options.processId) return;
    for (const hint of hints) this.#deliver(hint);
  }

  /** Waits for the notices on their way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sending;
    await this.#local[Symbol.asyncDispose]();
  }

  #deliver(hint: string): void {
    const runId = hint.slice(1);
    switch (hint[0]) {
      case "e":
        this.#local.hintEvents(runId);
        break;
      case "d":
        this.#local.publishEnded(runId);
        break;
      case "p":
        this.#local.publishPending();
        break;
      case "i":
        this.#local.publishCancel(runId, "interrupt");
        break;
      case "r":
        this.#local.publishCancel(runId, "rollback");
        break;
    }
  }

  /** The first hint goes out at once; those that come while it is on its way go together. */
  #hint(hint: string): void {
    this.#hints.add(hint);
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    while (this.#hints.size > 0) {
      const hints = [...this.#hints];
      this.#hints = new Set();
      for (let start = 0; start < hints.length; start += HINTS_PER_NOTIFY_MAX) {
        const payload = [this.#options.processId, ...hints.slice(start, start + HINTS_PER_NOTIFY_MAX)].join(",");
        try {
          await this.#options.notify(NOTIFY_CHANNEL, payload);
        } catch (error) {
          this.#options.onNotifyError(error);
        }
      }
    }
    this.#sending = undefined;
  }
}
