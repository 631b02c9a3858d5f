// Where API keys are kept: made, found by their hash, listed and revoked.
import type { ApiKey, NewApiKey } from "../api-key.ts";

export interface ApiKeyRepository {
  createApiKey(key: NewApiKey): Promise<ApiKey>;
  /** A key that is not revoked. Notes that it was used, to the minute. */
  findApiKey(hash: Buffer): Promise<ApiKey | undefined>;
  /** Newest first, revoked ones too. */
  listApiKeys(): Promise<ApiKey[]>;
  /** @returns whether there was such a key that was not revoked yet */
  revokeApiKey(keyId: string): Promise<boolean>;
}
