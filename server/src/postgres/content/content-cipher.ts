// Seals what people wrote and models answered before it is stored, and opens it again: AES-256-GCM, off without keys.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import type { EncryptionKey } from "../../domain/encryption-key.ts";
import { SealedContentError } from "../../domain/errors.ts";

/** The column a sealed text belongs to: what was sealed for one opens in no other. */
export type ContentPlace =
  | "checkpoint"
  | "checkpoint_item"
  | "checkpoint_write"
  | "cron"
  | "idempotency_key"
  | "run_error"
  | "run_event"
  | "run_request"
  | "thread_error"
  | "thread_interrupts"
  | "thread_values"
  | "tool_effect";

/** First characters of every sealed text; no stored JSON and no stored item begins with them. */
export const SEALED_PREFIX = "hf1:";

const ALGORITHM = "aes-256-gcm";
/** Bytes of a random nonce, and of the tag (NIST SP 800-38D's recommended sizes). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class ContentCipher {
  readonly #current: EncryptionKey | undefined;
  readonly #keys: ReadonlyMap<string, EncryptionKey>;

  /** The first key seals, all open. Without keys texts are stored as they are. */
  constructor(keys: readonly EncryptionKey[]) {
    this.#current = keys[0];
    this.#keys = new Map(keys.map((key) => [key.keyId, key]));
  }

  /** Whether new content is sealed. */
  get isOn(): boolean {
    return this.#current !== undefined;
  }

  /** First characters of everything that is sealed with the current key. */
  get currentPrefix(): string | undefined {
    return this.#current && `${SEALED_PREFIX}${this.#current.keyId}:`;
  }

  /** `hf1:<key id>:<base64 of nonce, tag and ciphertext>`, or the text itself where sealing is off. */
  seal(place: ContentPlace, text: string): string {
    if (this.#current === undefined) return text;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#current.secret, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return `${this.currentPrefix}${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64")}`;
  }

  /** What `seal` was given; a text that was stored before sealing was on comes back as it is. @throws SealedContentError */
  open(place: ContentPlace, text: string): string {
    if (!text.startsWith(SEALED_PREFIX)) return text;
    const end = text.indexOf(":", SEALED_PREFIX.length);
    const keyId = text.slice(SEALED_PREFIX.length, end);
    const key = this.#keys.get(keyId);
    if (key === undefined) throw new SealedContentError(keyId, "which HOLDFAST_ENCRYPTION_KEYS does not hold");
    const bytes = Buffer.from(text.slice(end + 1), "base64");
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key.secret, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      const start = NONCE_BYTES + TAG_BYTES;
      return Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]).toString("utf8");
    } catch {
      throw new SealedContentError(keyId, "but does not open with it: the key is another one, or the row was changed");
    }
  }

  /**
   * What equal texts can be told by without being readable: a keyed digest, or the text itself where sealing is off.
   * Those stored earlier, under other keys or none, are among `all`.
   */
  fingerprint(text: string): { current: string; all: string[] } {
    const digests = [...this.#keys.values()].map(
      ({ keyId, secret }) => `${SEALED_PREFIX}${keyId}:${createHmac("sha256", secret).update(text).digest("base64")}`,
    );
    return { current: digests[0] ?? text, all: [...digests, text] };
  }

  /** For a jsonb column: a sealed JSON text as a JSON string. */
  sealJson(place: ContentPlace, json: string): string {
    return this.#current === undefined ? json : JSON.stringify(this.seal(place, json));
  }

  /** What a jsonb column held before it was sealed; a plain string among the values is itself. */
  openJson<T>(place: ContentPlace, value: T): T {
    return typeof value === "string" && value.startsWith(SEALED_PREFIX)
      ? (JSON.parse(this.open(place, value)) as T)
      : value;
  }
}
