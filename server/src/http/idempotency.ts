// Answers a repeated create with its first answer: whoever sends the same request with the same Idempotency-Key again gets what
// the first one got, whatever process it reaches and whatever broke in between.
import { createHash } from "node:crypto";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { HoldfastError, IdempotencyKeyInFlightError, IdempotencyKeyReusedError } from "../domain/errors.ts";
import { deriveId, mintId } from "../domain/ids.ts";
import type { IdempotencyRepository, KeptAnswer, KeyReservation } from "../domain/ports/idempotency-repository.ts";
import type { Run } from "../domain/run.ts";
import type { HttpContext } from "./http-services.ts";
import {
  type Creation,
  IDEMPOTENCY_KEY_HEADER,
  IDEMPOTENCY_REPLAYED_HEADER,
  PLAIN_CREATION,
  requireKeyLength,
} from "./idempotency-key.ts";
import type { Call, Operation } from "./operation.ts";

/** Headers that belong to an answer and are kept with it. */
const KEPT_HEADERS = ["content-type", "content-location", "location"];

type AnyCall = Call<unknown, unknown, unknown>;

/**
 * Carries the operation out, or gives its first answer again. Refusals are not kept: the request may be tried again with its key, and
 * finds what an earlier try created.
 * @param rawBody the body as it was sent, parsed; before defaults were filled in
 * @throws InvalidRequestError, IdempotencyKeyInFlightError, IdempotencyKeyReusedError, and what the operation throws
 */
export async function answerOnce(operation: Operation, call: AnyCall, rawBody: unknown): Promise<Response> {
  const { context, services } = call;
  const key = context.req.header(IDEMPOTENCY_KEY_HEADER);
  if (key === undefined || operation.idempotency === undefined) return operation.handle(call);
  requireKeyLength(key);
  const keyDigest = digest([call.principal.identity, key]);
  const reservation = await services.idempotency.reserveKey({
    keyDigest,
    requestDigest: digest([context.req.method, context.req.path, canonicalJson(rawBody)]),
    seed: mintId(),
  });
  switch (reservation.kind) {
    case "in_flight":
      throw new IdempotencyKeyInFlightError();
    case "other_request":
      throw new IdempotencyKeyReusedError();
    case "answered":
      return replay(operation, call, reservation.answer);
    case "reserved":
      return carryOut(operation, call, new KeyedCreation(services.idempotency, keyDigest, reservation, operation));
  }
}

class KeyedCreation implements Creation {
  readonly isKeyed = true;
  readonly answeredRunId = undefined;
  readonly isRepeat: boolean;
  readonly #keys: IdempotencyRepository;
  readonly #keyDigest: Buffer;
  readonly #reservation: KeyReservation & { kind: "reserved" };
  readonly #operation: Operation;
  #idCount = 0;
  #hasCreated = false;

  constructor(
    keys: IdempotencyRepository,
    keyDigest: Buffer,
    reservation: KeyReservation & { kind: "reserved" },
    operation: Operation,
  ) {
    this.#keys = keys;
    this.#keyDigest = keyDigest;
    this.#reservation = reservation;
    this.#operation = operation;
    this.isRepeat = reservation.attempt > 1;
  }

  mintId(): string {
    return deriveId(this.#reservation.seed, this.#idCount++);
  }

  async runCreated({ runId }: Run): Promise<void> {
    this.#hasCreated = true;
    if (this.#operation.idempotency === "run") await this.#keys.keepAnswer(this.#keyDigest, { kind: "run", runId });
  }

  async answered(response: Response): Promise<void> {
    if (this.#operation.idempotency !== "body") return;
    await this.#keys.keepAnswer(this.#keyDigest, await readAnswer(response));
  }

  /** Gives the key back; should this fail too, its lock runs out by itself. */
  async failed(error: unknown): Promise<void> {
    const isRefused = error instanceof HoldfastError && error.status < 500;
    const hasLeftNothing = isRefused && !this.#hasCreated && !this.isRepeat;
    const giveBack = hasLeftNothing ? "forgetKey" : "releaseKey";
    await this.#keys[giveBack](this.#keyDigest, this.#reservation.attempt).catch(() => {});
  }
}

async function carryOut(operation: Operation, call: AnyCall, creation: KeyedCreation): Promise<Response> {
  try {
    const response = await operation.handle({ ...call, creation });
    await creation.answered(response);
    return response;
  } catch (error) {
    await creation.failed(error);
    throw error;
  }
}

async function readAnswer(response: Response): Promise<KeptAnswer> {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value]];
  });
  const body = await response.clone().text();
  return { kind: "body", status: response.status, headers: Object.fromEntries(headers), body };
}

function replay(operation: Operation, call: AnyCall, answer: KeptAnswer): Promise<Response> | Response {
  const { context } = call;
  context.header(IDEMPOTENCY_REPLAYED_HEADER, "true");
  if (answer.kind === "run") {
    return operation.handle({ ...call, creation: { ...PLAIN_CREATION, answeredRunId: answer.runId } });
  }
  return answerAgain(context, answer);
}

function answerAgain(context: HttpContext, answer: KeptAnswer & { kind: "body" }): Response {
  for (const [name, value] of Object.entries(answer.headers)) context.header(name, value);
  return context.body(answer.body, answer.status as ContentfulStatusCode);
}

function digest(parts: string[]): Buffer {
  const hash = createHash("sha256");
  // With lengths in between, no two lists of parts give the same bytes.
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest();
}

/** JSON with the keys of each object in order, so that two writings of the same value are one. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${canonicalJson(entry)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
