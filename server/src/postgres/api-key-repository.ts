// API keys as rows.
import type { Pool } from "pg";
import type { ApiKey, NewApiKey } from "../domain/api-key.ts";
import { mintId } from "../domain/ids.ts";
import type { ApiKeyRepository } from "../domain/ports/api-key-repository.ts";
import { execute } from "./statement.ts";

interface ApiKeyRow {
  key_id: string;
  name: string;
  owner: string;
  scopes: string[];
  created_at: Date;
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const COLUMNS = "key_id, name, owner, scopes, created_at, last_used_at, revoked_at";

/** Written at most once a minute per key: every request asks. */
const TOUCH = `
  with found as (
    select ${COLUMNS} from api_key where key_hash = $1 and revoked_at is null
  ), touched as (
    update api_key set last_used_at = now()
    where key_hash = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
  )
  select * from found`;

export class PostgresApiKeyRepository implements ApiKeyRepository {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async createApiKey({ hash, name, owner, scopes }: NewApiKey): Promise<ApiKey> {
    const rows = await execute<ApiKeyRow>(
      this.#pool,
      `insert into api_key (key_id, key_hash, name, owner, scopes) values ($1, $2, $3, $4, $5) returning ${COLUMNS}`,
      [mintId(), hash, name, owner, scopes],
    );
    return toApiKey(rows[0]!);
  }

  async findApiKey(hash: Buffer): Promise<ApiKey | undefined> {
    const rows = await execute<ApiKeyRow>(this.#pool, TOUCH, [hash], "find_api_key");
    return rows[0] && toApiKey(rows[0]);
  }

  async listApiKeys(): Promise<ApiKey[]> {
    const rows = await execute<ApiKeyRow>(
      this.#pool,
      `select ${COLUMNS} from api_key order by created_at desc, key_id desc`,
    );
    return rows.map(toApiKey);
  }

  async revokeApiKey(keyId: string): Promise<boolean> {
    const rows = await execute(
      this.#pool,
      "update api_key set revoked_at = now() where key_id = $1::uuid and revoked_at is null returning key_id",
      [keyId],
    );
    return rows.length > 0;
  }
}

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    keyId: row.key_id,
    name: row.name,
    owner: row.owner,
    scopes: row.scopes,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}
