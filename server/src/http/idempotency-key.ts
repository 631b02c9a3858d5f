// The Idempotency-Key header and what a request with one knows of its earlier tries.
import { InvalidRequestError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { Run } from "../domain/run.ts";

export const IDEMPOTENCY_KEY_HEADER = "idempotency-key";
/** Set on an answer that was given before. */
export const IDEMPOTENCY_REPLAYED_HEADER = "idempotency-replayed";

/** Longest key. */
export const KEY_CHARS_MAX = 255;

/** The ids a request gives to what it creates, and what is known of an earlier try. */
export interface Creation {
  /** Whether the request carries a key: its ids are the same at each try. */
  readonly isKeyed: boolean;
  /** Whether an earlier try may have created objects under these ids. */
  readonly isRepeat: boolean;
  /** The run that was the first answer; its stream or result is given again. */
  readonly answeredRunId: string | undefined;
  /** The id of the next object. */
  mintId(): string;
  /** To be told of each run that was created; makes it the answer to later requests where that is the run's stream or result. */
  runCreated(run: Run): Promise<void>;
}

/** A request without a key. */
export const PLAIN_CREATION: Creation = {
  isKeyed: false,
  isRepeat: false,
  answeredRunId: undefined,
  mintId,
  runCreated: async () => {},
};

/** The ids for one new run; `undefined` where the request has no key and the engine mints them. */
export function reserveRunIds(creation: Creation): { runId: string; threadId: string; isRepeat: boolean } | undefined {
  if (!creation.isKeyed) return undefined;
  return { runId: creation.mintId(), threadId: creation.mintId(), isRepeat: creation.isRepeat };
}

/** @throws InvalidRequestError */
export function requireKeyLength(key: string): void {
  if (key.length >= 1 && key.length <= KEY_CHARS_MAX) return;
  throw new InvalidRequestError(
    `header Idempotency-Key: must have 1 to ${KEY_CHARS_MAX} characters, this one has ${key.length}`,
  );
}
