// The way to Redis that comes back by itself: one connection after the other, with growing pauses while Redis is away.
import { setTimeout as sleep } from "node:timers/promises";
import { type OnMessage, RedisConnection } from "./redis-connection.ts";

const RECONNECT_PAUSE_MIN_MS = 100;
const RECONNECT_PAUSE_MAX_MS = 2_000;

export interface RedisLinkOptions {
  url: string;
  /** Channels to be subscribed whenever a connection is made. */
  channels: () => string[];
  onMessage: OnMessage;
  /** Connected and subscribed to all channels; what was said before may have been missed. */
  onUp: () => void;
  /** Lost, or not to be had at the start; `unanswered` are the tags of messages that may not have arrived. */
  onDown: (reason: Error, unanswered: string[]) => void;
}

export class RedisLink implements AsyncDisposable {
  readonly #options: RedisLinkOptions;
  readonly #closing = new AbortController();
  readonly #connecting: Promise<void>;
  #connection: RedisConnection | undefined;

  /** Starts connecting at once. */
  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#connecting = this.#stayConnected();
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  /** Sends a message; false when it was not sent, because Redis is away or too far behind. */
  publish(channel: string, message: string, tag: string): boolean {
    return this.#connection?.publish(channel, message, tag) ?? false;
  }

  /** Calls back when messages of the channel are sure to arrive; while Redis is away, not at all. */
  subscribe(channel: string, onSubscribed: () => void): void {
    this.#connection?.subscribe([channel], onSubscribed);
  }

  unsubscribe(channel: string): void {
    this.#connection?.unsubscribe(channel);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#connecting;
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closing;
    const closed = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
    let isDownTold = false;
    let pauseMs = RECONNECT_PAUSE_MIN_MS;
    while (!signal.aborted) {
      try {
        const connection = await this.#connect();
        isDownTold = true;
        pauseMs = RECONNECT_PAUSE_MIN_MS;
        const loss = await Promise.race([connection.lost, closed]);
        this.#connection = undefined;
        if (loss === undefined) return await connection.close();
        this.#options.onDown(loss.reason, loss.unanswered);
      } catch (error) {
        // A failed attempt is news only at the start; after a loss it goes without saying.
        if (!isDownTold) this.#options.onDown(error as Error, []);
        isDownTold = true;
      }
      // Half of the pause is random, so that many processes do not come back in one instant.
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, RECONNECT_PAUSE_MAX_MS);
    }
  }

  async #connect(): Promise<RedisConnection> {
    const { url, channels, onMessage, onUp } = this.#options;
    const subscribed = new Set(channels());
    const connection = await RedisConnection.open(url, [...subscribed], onMessage);
    this.#connection = connection;
    // Subscriptions that came or went in the meantime.
    const wanted = new Set(channels());
    for (const channel of subscribed) if (!wanted.has(channel)) connection.unsubscribe(channel);
    const missing = [...wanted].filter((channel) => !subscribed.has(channel));
    if (missing.length > 0) connection.subscribe(missing, onUp);
    else onUp();
    return connection;
  }
}
