// What the server asks of the place where idempotency keys and their first answers are kept.

/** A create that carries an idempotency key. */
export interface KeyedRequest {
  /** Digest of the principal and its key. */
  keyDigest: Buffer;
  /** Digest of method, path and body. */
  requestDigest: Buffer;
  /** UUID version 7 from which ids are derived if this request is the first with its key. */
  seed: string;
}

/** The first answer: a body, or the run whose stream or result it was. */
export type KeptAnswer =
  | { kind: "body"; status: number; headers: Record<string, string>; body: string }
  | { kind: "run"; runId: string };

export type KeyReservation =
  /** The caller is to carry out the request, with ids derived from `seed`. */
  | {
      kind: "reserved";
      seed: string;
      /** Above 1, an earlier try may have created something before it broke off. */
      attempt: number;
    }
  | { kind: "answered"; answer: KeptAnswer }
  | { kind: "in_flight" }
  /** The key came with another request before. */
  | { kind: "other_request" };

export interface IdempotencyRepository {
  /** Decides what becomes of the request, atomically between processes and by the database's clock. */
  reserveKey(request: KeyedRequest): Promise<KeyReservation>;
  /** Keeps the answer; the first one stays. */
  keepAnswer(keyDigest: Buffer, answer: KeptAnswer): Promise<void>;
  /** Lets the next try of the same request begin at once, with the same ids. */
  releaseKey(keyDigest: Buffer, attempt: number): Promise<void>;
  /** Forgets a request that was refused before it created anything. */
  forgetKey(keyDigest: Buffer, attempt: number): Promise<void>;
  /** Deletes at most `countMax` keys whose time is up; the number deleted. */
  deleteExpiredKeys(countMax: number): Promise<number>;
}
