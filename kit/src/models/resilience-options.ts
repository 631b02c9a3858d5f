// Settings of a resilient model, what it reports about its attempts, and the error when all of them failed.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { UsageMetadata } from "@langchain/core/messages";
import type { Backoff } from "../retries/backoff.ts";
import { classifyError, type ErrorClass, statusOf } from "../retries/error-class.ts";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { RequestRate } from "./request-rate.ts";

/** One model of a fallback chain. Make it without retries of its own (`retriesMax: 0`), which would hide attempts. */
export interface ModelCandidate {
  /** Name in reports, such as its spec. */
  name: string;
  model: BaseChatModel;
  /** Shared by all who call this model. */
  breaker?: CircuitBreaker;
  /** Shared by all who call this model. */
  rate?: RequestRate;
}

/** Limits of one answer. */
export interface ResilienceOptions {
  /** Longest time for an answer over all attempts and waits, in milliseconds. @default 120,000 */
  answerTimeoutMs?: number;
  /** Longest wait for the first piece of an answer, connecting included, in milliseconds. @default 30,000 */
  firstChunkTimeoutMs?: number;
  /** Longest pause within an answer, in milliseconds. @default 20,000 */
  idleTimeoutMs?: number;
  /** Most retries with one model. @default 2 */
  retriesMax?: number;
  /** A longer wait before a retry, in milliseconds, leads to the next model at once if there is one. @default 5,000 */
  switchAfterMs?: number;
  /** Waits between retries. @default up to 0.5 s, 1 s, 2 s, … 20 s */
  backoff?: Backoff;
  /** Told of every attempt as it ends, for accounting. Must not throw. */
  onAttempt?: (attempt: ModelAttempt) => void;
}

/** What became of one call of one model. */
export interface ModelAttempt {
  /** Name of the candidate. */
  model: string;
  outcome: "completed" | "failed" | "aborted";
  errorClass?: ErrorClass;
  /** The error's message. */
  error?: string;
  latencyMs: number;
  /** As the provider reported it; absent if the call broke before it did. */
  usage?: UsageMetadata;
  /** Characters of answer received, from which to estimate what a broken call cost. */
  receivedCharacters: number;
}

/** No model gave an answer. `cause` is the last error. */
export class ModelUnavailableError extends Error {
  /** Stable, machine-readable reason. */
  readonly code = "model_unavailable";
  /** Everything that was tried. */
  readonly attempts: ModelAttempt[];
  /** HTTP status of the last error, if it had one. */
  readonly status: number | undefined;

  constructor(attempts: ModelAttempt[], cause: unknown) {
    const last = attempts.at(-1);
    const message = last
      ? `No model answered after ${attempts.length} attempts; the last, ${last.model}, said: ${last.error}`
      : "No model may be called now.";
    super(message, { cause });
    this.name = "ModelUnavailableError";
    this.attempts = attempts;
    this.status = statusOf(cause);
  }
}

/** A broken stream carries no HTTP status and takes many shapes (cut connection, unreadable chunk), so all these may be retried. */
export function classifyModelError(error: unknown): ErrorClass {
  return statusOf(error) === undefined ? "unknown" : classifyError(error);
}
