// The bus for many tokens between processes: Redis carries signals and the events themselves; while it is away, NOTIFY carries hints.
import type { EventBus, LocalEnd, RunSignal } from "../domain/ports/event-bus.ts";
import type { CancelAction } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { cancelHint, deliverHint, endedHint, eventsHint, followedHint, type Hint, PENDING_HINT } from "./hint.ts";
import { LocalBus } from "./local-bus.ts";
import { NoticeLink, type NoticeLinkOptions } from "./notice-link.ts";
import { RedisLink } from "./redis-link.ts";
import { decodeMessage, encodeEnded, encodeEvents, encodeHint } from "./redis-message.ts";

/** How often a process without Redis shows that it is there. */
const ALONE_INTERVAL_MS = 2_000;
/** How long others then say everything over NOTIFY too. */
const COURTESY_MS = 5_000;

export interface RedisBusOptions extends NoticeLinkOptions {
  url: string;
  /** Keeps deployments apart that share one Redis: the same for all processes of a database, different between databases. */
  namespace: string;
  onDown?: (reason: Error) => void;
  onUp?: (downMs: number) => void;
}

export class RedisBus implements EventBus {
  readonly #local = new LocalBus();
  readonly #notices: NoticeLink;
  readonly #redis: RedisLink;
  readonly #options: RedisBusOptions;
  #courtesyUntilMs = 0;
  #alone: NodeJS.Timeout | undefined;
  #downSinceMs = performance.now();

  constructor(options: RedisBusOptions) {
    this.#options = options;
    this.#notices = new NoticeLink(options);
    this.#redis = new RedisLink({
      url: options.url,
      channels: () => [this.#signalChannel, ...[...this.#local.runIds].map((runId) => this.#runChannel(runId))],
      onMessage: (message) => this.#onMessage(message),
      onUp: () => this.#onUp(),
      onDown: (reason, unanswered) => this.#onDown(reason, unanswered),
    });
  }

  /** Whether Redis carries messages at the moment. */
  get isUp(): boolean {
    return this.#redis.isUp;
  }

  publishEvents(runId: string, events: StreamEvent[]): void {
    this.#local.publishEvents(runId, events);
    const hint = eventsHint(runId);
    this.#say(this.#runChannel(runId), hint, () => encodeEvents(this.#options.processId, hint, events));
  }

  publishEnded(runId: string, end?: LocalEnd): void {
    this.#local.publishEnded(runId, end);
    const hint = endedHint(runId);
    this.#say(this.#runChannel(runId), hint, () => encodeEnded(this.#options.processId, hint, end?.lastSeq));
  }

  publishPending(): void {
    this.#local.publishPending();
    this.#signal(PENDING_HINT);
  }

  publishFollowed(runId: string): void {
    this.#local.publishFollowed(runId);
    this.#signal(followedHint(runId));
  }

  publishCancel(runId: string, action: CancelAction): void {
    this.#local.publishCancel(runId, action);
    this.#signal(cancelHint(runId, action));
  }

  subscribeRun(runId: string, listener: (signal: RunSignal) => void): () => void {
    const isFirst = !this.#local.hasListeners(runId);
    const unsubscribe = this.#local.subscribeRun(runId, listener);
    // What was said before the subscription took effect is in the rows.
    if (isFirst) this.#redis.subscribe(this.#runChannel(runId), () => deliverHint(this.#local, endedHint(runId)));
    return () => {
      const wasHeard = this.#local.hasListeners(runId);
      unsubscribe();
      if (wasHeard && !this.#local.hasListeners(runId)) this.#redis.unsubscribe(this.#runChannel(runId));
    };
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
    const notice = this.#notices.read(payload);
    if (notice === undefined) return;
    if (!notice.isCourtesy) this.#courtesyUntilMs = performance.now() + COURTESY_MS;
    for (const hint of notice.hints) deliverHint(this.#local, hint);
  }

  /** Notices may have been missed: look at the rows. */
  recover(): void {
    this.#local.hintAll();
  }

  /** Waits for the messages on their way. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#alone);
    await this.#redis[Symbol.asyncDispose]();
    await this.#notices[Symbol.asyncDispose]();
    await this.#local[Symbol.asyncDispose]();
  }

  get #signalChannel(): string {
    return `holdfast:${this.#options.namespace}:signals`;
  }

  #runChannel(runId: string): string {
    return `holdfast:${this.#options.namespace}:run:${runId}`;
  }

  #signal(hint: Hint): void {
    this.#say(this.#signalChannel, hint, () => encodeHint(this.#options.processId, hint));
  }

  #say(channel: string, hint: Hint, encode: () => string): void {
    const isSent = this.#redis.isUp && this.#redis.publish(channel, encode(), hint);
    if (!isSent) this.#notices.send([hint]);
    else if (performance.now() < this.#courtesyUntilMs) this.#notices.send([hint], { isCourtesy: true });
  }

  #onMessage(text: string): void {
    const message = decodeMessage(text);
    if (message === undefined || message.senderId === this.#options.processId) return;
    const runId = message.hint.slice(1);
    if (message.signal?.kind === "events") this.#local.publishEvents(runId, message.signal.events ?? []);
    else if (message.signal?.kind === "ended") this.#local.publishEnded(runId, message.signal.end);
    else deliverHint(this.#local, message.hint);
  }

  #onUp(): void {
    if (this.#alone !== undefined) this.#options.onUp?.(performance.now() - this.#downSinceMs);
    clearInterval(this.#alone);
    this.#alone = undefined;
    this.#local.hintAll();
  }

  /** From now on NOTIFY carries the hints, both ways; what may not have arrived is said again. */
  #onDown(reason: Error, unanswered: Hint[]): void {
    this.#downSinceMs = performance.now();
    this.#notices.send(unanswered);
    this.#alone ??= setInterval(() => this.#notices.send([]), ALONE_INTERVAL_MS);
    this.#alone.unref();
    this.#local.hintAll();
    this.#options.onDown?.(reason);
  }
}
