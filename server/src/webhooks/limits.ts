// Everything in the delivery of webhooks that has a limit, with its unit last.

export interface WebhookLimits {
  /** One attempt, from connecting to the answer's status. */
  timeoutMs: number;
  /** Attempts under way in one process. */
  inFlightMax: number;
  /** Attempts of one notice before it is given up. */
  attemptMax: number;
  /** Age of a notice after which it is not tried again. */
  ageMaxMs: number;
  /** Before the second attempt; each further one waits three times as long. */
  retryFirstMs: number;
  retryMaxMs: number;
  /** What a stopping process waits for attempts under way. */
  stopGraceMs: number;
}

/** Twelve attempts take about four hours; a receiver that is down over lunch or a deploy misses nothing. */
export const WEBHOOK_LIMITS: WebhookLimits = {
  timeoutMs: 10_000,
  inFlightMax: 50,
  attemptMax: 12,
  ageMaxMs: 24 * 60 * 60 * 1_000,
  retryFirstMs: 1_000,
  retryMaxMs: 60 * 60 * 1_000,
  stopGraceMs: 3_000,
};

const RETRY_FACTOR = 3;

/** How long to wait after attempt number `attempt`, spread by a fifth so that receivers are not hit in step. */
export function retryDelayMs(limits: WebhookLimits, attempt: number, random = Math.random): number {
  const delayMs = Math.min(limits.retryFirstMs * RETRY_FACTOR ** (attempt - 1), limits.retryMaxMs);
  return Math.round(delayMs * (0.9 + random() * 0.2));
}
