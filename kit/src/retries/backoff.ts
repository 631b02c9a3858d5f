// How long to wait before trying again, and waiting in a way that can be cancelled.
import { setTimeout as sleep } from "node:timers/promises";

/** Settings of the wait between tries. */
export interface Backoff {
  /** Longest wait before the first retry, in milliseconds; it doubles with each further one. @default 500 */
  firstDelayMs: number;
  /** No wait is chosen longer than this, in milliseconds, unless the other side asks for more. @default 20,000 */
  delayMsMax: number;
}

/** Waits of up to half a second, one, two, … twenty seconds. */
export const defaultBackoff: Backoff = { firstDelayMs: 500, delayMsMax: 20_000 };

/**
 * The wait before the n-th retry (from 1), in milliseconds: a random share of the doubled delay, so that many callers do not
 * come back together, and never less than the other side asked for.
 * @param random from 0 to 1. @default Math.random
 */
export function backoffDelayMs(retry: number, backoff: Backoff, retryAfterMs = 0, random = Math.random): number {
  const longest = Math.min(backoff.delayMsMax, backoff.firstDelayMs * 2 ** (retry - 1));
  // With no lower bound a share of all retries would come at once.
  const chosen = longest / 2 + (random() * longest) / 2;
  return Math.max(chosen, retryAfterMs);
}

/** Waits. @throws the signal's reason if it is cancelled first. */
export async function waitFor(durationMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
