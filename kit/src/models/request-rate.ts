// Keeps calls of a model under a number per minute; those over it wait their turn.
import { waitFor } from "../retries/backoff.ts";

const minuteMs = 60_000;

/** A bucket of calls that fills evenly over each minute. */
export class RequestRate {
  readonly perMinuteMax: number;
  private readonly now: () => number;
  private nextFreeAt = 0;

  /**
   * @param perMinuteMax calls a minute; `Infinity` for no limit. A tenth of it may pass at once.
   * @param now milliseconds since 1970.
   */
  constructor(perMinuteMax: number, now: () => number = Date.now) {
    this.perMinuteMax = perMinuteMax;
    this.now = now;
  }

  /** How long the next call has to wait, in milliseconds. */
  waitMs(): number {
    if (!Number.isFinite(this.perMinuteMax)) return 0;
    const burst = Math.max(1, Math.floor(this.perMinuteMax / 10));
    return Math.max(0, this.nextFreeAt - this.now() - (burst - 1) * this.intervalMs());
  }

  /** Takes a place and waits for it. @throws the signal's reason if it is cancelled first; the place is then lost. */
  async take(signal?: AbortSignal): Promise<void> {
    if (!Number.isFinite(this.perMinuteMax)) return;
    const waitMs = this.waitMs();
    this.nextFreeAt = Math.max(this.nextFreeAt, this.now()) + this.intervalMs();
    if (waitMs > 0) await waitFor(waitMs, signal);
  }

  private intervalMs(): number {
    return minuteMs / this.perMinuteMax;
  }
}
