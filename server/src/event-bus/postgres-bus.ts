// The default event bus: memory within the process, LISTEN/NOTIFY between processes, ids only, at most one NOTIFY in flight.
import type { EventBus, LocalEnd, RunSignal } from "../domain/ports/event-bus.ts";
import type { CancelAction } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { cancelHint, deliverHint, endedHint, eventsHint, followedHint, PENDING_HINT } from "./hint.ts";
import { LocalBus } from "./local-bus.ts";
import { NoticeLink, type NoticeLinkOptions } from "./notice-link.ts";

export class PostgresBus implements EventBus {
  readonly #local = new LocalBus();
  readonly #notices: NoticeLink;

  constructor(options: NoticeLinkOptions) {
    this.#notices = new NoticeLink(options);
  }

  publishEvents(runId: string, events: StreamEvent[]): void {
    this.#local.publishEvents(runId, events);
    this.#notices.send([eventsHint(runId)]);
  }

  publishEnded(runId: string, end?: LocalEnd): void {
    this.#local.publishEnded(runId, end);
    this.#notices.send([endedHint(runId)]);
  }

  publishPending(): void {
    this.#local.publishPending();
    this.#notices.send([PENDING_HINT]);
  }

  publishFollowed(runId: string): void {
    this.#local.publishFollowed(runId);
    this.#notices.send([followedHint(runId)]);
  }

  publishCancel(runId: string, action: CancelAction): void {
    this.#local.publishCancel(runId, action);
    this.#notices.send([cancelHint(runId, action)]);
  }

  subscribeRun(runId: string, listener: (signal: RunSignal) => void): () => void {
    return this.#local.subscribeRun(runId, listener);
  }

  subscribePending(listener: () => void): () => void {
    return this.#local.subscribePending(listener);
  }

  subscribeFollowed(listener: (runId: string) => void): () => void {
    return this.#local.subscribeFollowed(listener);
  }

  subscribeCancel(listener: (runId: string, action: CancelAction) => void): () => void {
    return this.#local.subscribeCancel(listener);
  }

  /** Takes in a notice from the LISTEN connection. */
  receive(payload: string): void {
    for (const hint of this.#notices.read(payload)?.hints ?? []) deliverHint(this.#local, hint);
  }

  /** Everything may have been missed: look at the rows. */
  recover(): void {
    this.#local.hintAll();
  }

  /** Waits for the notices on their way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#notices[Symbol.asyncDispose]();
    await this.#local[Symbol.asyncDispose]();
  }
}
