// Which cipher goes with a pool and its connections: whoever can query knows how contents are sealed.
import { ContentCipher } from "./content-cipher.ts";

const ciphers = new WeakMap<object, ContentCipher>();
const OFF = new ContentCipher([]);

/** From now on contents written or read through `db` go through `cipher`. */
export function bindCipher(db: object, cipher: ContentCipher): void {
  ciphers.set(db, cipher);
}

/** The cipher of a pool or client; one without keys where none was bound. */
export function cipherOf(db: object): ContentCipher {
  return ciphers.get(db) ?? OFF;
}
