// The kinds of bad luck that a call to a provider can meet.

/**
 * One fault.
 * - `rate-limit`: 429, with `retryAfterSeconds` as the header if given; `server-error`: 500; `overloaded`: 529 (503 outside Anthropic).
 * - `delay`: waits `delayMs` before the answer's headers; `slow-tokens`: waits `tokenDelayMs` before each token.
 * - `drop`: cuts the connection, before the headers or after `afterTokens` tokens.
 * - `malformed`: sends a broken chunk after `afterTokens` tokens (0 if absent) and ends; without streaming, a cut-off body.
 * - `error-event`: streaming only, sends the provider's error event after `afterTokens` tokens and ends.
 * - `hang`: never answers, or stops sending after `afterTokens` tokens, and keeps the connection open.
 */
export type Fault =
  | { kind: "rate-limit"; retryAfterSeconds?: number }
  | { kind: "server-error" | "overloaded" }
  | { kind: "delay"; delayMs: number }
  | { kind: "slow-tokens"; tokenDelayMs: number }
  | { kind: "drop" | "malformed" | "error-event" | "hang"; afterTokens?: number };
