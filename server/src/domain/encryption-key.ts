// A key that stored content is sealed with.

export interface EncryptionKey {
  /** Stored with everything it sealed. Letters, digits, `-` and `_`, 32 at most. */
  readonly keyId: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}
