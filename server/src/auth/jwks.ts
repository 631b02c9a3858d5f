// The public keys of whoever signs tokens (a JWKS, RFC 7517), fetched when needed and kept for a while.
import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AuthUnavailableError } from "../domain/errors.ts";
import type { JwtHeader } from "./jwt.ts";

interface VerificationKey {
  kid: string | undefined;
  alg: string | undefined;
  key: KeyObject;
}

/** How long keys are taken as they are. */
const FRESH_MS = 10 * 60_000;
/** Least time between two fetches: tokens with unknown keys must not make the server hammer the provider. */
const FETCH_PAUSE_MS = 10_000;
const FETCH_TIMEOUT_MS = 5_000;

export class JsonWebKeySet {
  readonly #url: string;
  readonly #now: () => number;
  #keys: VerificationKey[] | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  /** @param url `http:`, `https:` or `file:` */
  constructor(url: string, now: () => number = Date.now) {
    this.#url = url;
    this.#now = now;
  }

  /** Keys that may have signed a token with this header. @throws AuthUnavailableError when there are none to be had */
  async findKeys(header: JwtHeader): Promise<KeyObject[]> {
    if (this.#keys === undefined || this.#now() - this.#fetchedAt > FRESH_MS) await this.#refresh();
    const found = this.#match(header);
    // A key that is not known may be a new one.
    if (found.length > 0 || this.#now() - this.#triedAt < FETCH_PAUSE_MS) return found;
    await this.#refresh();
    return this.#match(header);
  }

  #match({ alg, kid }: JwtHeader): KeyObject[] {
    return (this.#keys ?? [])
      .filter((each) => kid === undefined || each.kid === undefined || each.kid === kid)
      .filter((each) => each.alg === undefined || each.alg === alg)
      .map(({ key }) => key);
  }

  #refresh(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const isTooSoon = this.#now() - this.#triedAt < FETCH_PAUSE_MS;
    if (!isTooSoon) {
      this.#triedAt = this.#now();
      try {
        this.#keys = readKeys(await this.#read());
        this.#fetchedAt = this.#now();
        return;
      } catch (cause) {
        // Keys that were good a while ago beat none: the provider may be away for a moment.
        if (this.#keys === undefined) throw unavailable(this.#url, cause);
      }
    }
    if (this.#keys === undefined) throw unavailable(this.#url, undefined);
  }

  async #read(): Promise<unknown> {
    if (this.#url.startsWith("file:")) return JSON.parse(await readFile(new URL(this.#url), "utf8"));
    const response = await fetch(this.#url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: "error" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  }
}

/** Keys for signatures; others, and kinds Node does not know, are left out. */
function readKeys(document: unknown): VerificationKey[] {
  const keys: unknown = typeof document === "object" && document !== null ? Reflect.get(document, "keys") : undefined;
  if (!Array.isArray(keys)) throw new Error("the document has no list of keys");
  return (keys as (JsonWebKey & { use?: string; kid?: string; alg?: string })[]).flatMap((jwk) => {
    if (jwk.kty === "oct" || (jwk.use !== undefined && jwk.use !== "sig")) return [];
    try {
      return [{ kid: jwk.kid, alg: jwk.alg, key: createPublicKey({ key: jwk, format: "jwk" }) }];
    } catch {
      return [];
    }
  });
}

function unavailable(url: string, cause: unknown): AuthUnavailableError {
  return new AuthUnavailableError(`The keys for verifying tokens cannot be read from ${new URL(url).origin}.`, {
    cause,
  });
}
