// API keys: how they are made, recognised and hashed. The key itself is shown once and kept nowhere.
import { createHash, randomBytes } from "node:crypto";

/** Marks the text as a key of ours, for people and for scanners that look for leaked secrets. */
const PREFIX = "hf_";
/** 256 bits of chance: a fast hash is enough, there is nothing to guess. */
const KEY_BYTES = 32;
const KEY_PATTERN = /^hf_[A-Za-z0-9_-]{43}$/;

export function mintApiKey(): string {
  return `${PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;
}

/** SHA-256 of the key, the only form that is stored. */
export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The key a request carries, in `x-api-key` or as a bearer token; `undefined` where neither looks like one. */
export function readApiKey(headers: Headers): string | undefined {
  const candidates = [headers.get("x-api-key"), readBearer(headers)];
  return candidates.find((each): each is string => each !== null && each !== undefined && KEY_PATTERN.test(each));
}

/** The token of `Authorization: Bearer ...`. */
export function readBearer(headers: Headers): string | undefined {
  return /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}
