// Where idempotency keys and their first answers are kept; one statement decides who carries a request out.
import type { Pool } from "pg";
import type {
  IdempotencyRepository,
  KeptAnswer,
  KeyedRequest,
  KeyReservation,
} from "../domain/ports/idempotency-repository.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { execute } from "./statement.ts";

export interface IdempotencyLimits {
  /** How long an answer is kept. */
  retentionMs: number;
  /** How long a try may be silent before another takes its place; taking over too early costs work, never a second object. */
  lockMs: number;
}

interface KeyRow {
  request_digest: Buffer;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
  run_id: string | null;
}

/** Takes the key where it is new, where its time is up, or where the same request was broken off. */
const RESERVE = `
  insert into idempotency_key as k (key_digest, request_digest, seed, locked_until, expires_at)
  values ($1, $2, $3::uuid, now() + $4::float8 * interval '1 millisecond', now() + $5::float8 * interval '1 millisecond')
  on conflict (key_digest) do update set
    request_digest = excluded.request_digest, locked_until = excluded.locked_until, expires_at = excluded.expires_at,
    seed = case when k.expires_at <= now() then excluded.seed else k.seed end,
    attempt = case when k.expires_at <= now() then 1 else k.attempt + 1 end,
    created_at = case when k.expires_at <= now() then now() else k.created_at end,
    status = null, headers = null, body = null, run_id = null
  where k.expires_at <= now()
    or (k.status is null and k.locked_until <= now() and k.request_digest = excluded.request_digest)
  returning k.seed, k.attempt`;

const READ = `
  select request_digest, status, headers, body, run_id from idempotency_key where key_digest = $1`;

const KEEP = `
  update idempotency_key set status = $2, headers = $3::jsonb, body = $4, run_id = $5::uuid
  where key_digest = $1 and status is null`;

/** Nobody has taken the key over or answered it meanwhile. */
const IS_MY_TRY = "key_digest = $1 and attempt = $2 and status is null";

/** A run's stream and result are always answered with this status. */
const RUN_STATUS = 200;

export class PostgresIdempotencyRepository implements IdempotencyRepository {
  readonly #pool: Pool;
  readonly #limits: IdempotencyLimits;

  constructor(pool: Pool, limits: IdempotencyLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  async reserveKey(request: KeyedRequest): Promise<KeyReservation> {
    const { lockMs, retentionMs } = this.#limits;
    const { keyDigest, requestDigest, seed } = request;
    const [reserved] = await execute<{ seed: string; attempt: number }>(
      this.#pool,
      RESERVE,
      [keyDigest, requestDigest, seed, lockMs, retentionMs],
      "reserve_key",
    );
    if (reserved !== undefined) return { kind: "reserved", ...reserved };
    const [row] = await execute<KeyRow>(this.#pool, READ, [keyDigest], "read_key");
    // Gone between the two statements: expired and swept. The client's next try gets it.
    if (row === undefined) return { kind: "in_flight" };
    if (!row.request_digest.equals(requestDigest)) return { kind: "other_request" };
    const answer = toAnswer(cipherOf(this.#pool), row);
    return answer === undefined ? { kind: "in_flight" } : { kind: "answered", answer };
  }

  async keepAnswer(keyDigest: Buffer, answer: KeptAnswer): Promise<void> {
    const values =
      answer.kind === "run"
        ? [RUN_STATUS, null, null, answer.runId]
        : [
            answer.status,
            JSON.stringify(answer.headers),
            cipherOf(this.#pool).seal("idempotency_key", answer.body),
            null,
          ];
    await execute(this.#pool, KEEP, [keyDigest, ...values], "keep_answer");
  }

  async releaseKey(keyDigest: Buffer, attempt: number): Promise<void> {
    await execute(this.#pool, `update idempotency_key set locked_until = now() where ${IS_MY_TRY}`, [
      keyDigest,
      attempt,
    ]);
  }

  async forgetKey(keyDigest: Buffer, attempt: number): Promise<void> {
    await execute(this.#pool, `delete from idempotency_key where ${IS_MY_TRY}`, [keyDigest, attempt]);
  }

  async deleteExpiredKeys(countMax: number): Promise<number> {
    const rows = await execute<{ count: number }>(
      this.#pool,
      `with aged as (
         select key_digest from idempotency_key where expires_at <= now() order by expires_at limit $1
         for update skip locked
       ), deleted as (
         delete from idempotency_key k using aged where k.key_digest = aged.key_digest returning 1
       )
       select count(*)::int as count from deleted`,
      [countMax],
    );
    return rows[0]!.count;
  }
}

function toAnswer(cipher: ContentCipher, { status, headers, body, run_id }: KeyRow): KeptAnswer | undefined {
  if (status === null) return undefined;
  if (run_id !== null) return { kind: "run", runId: run_id };
  return { kind: "body", status, headers: headers ?? {}, body: cipher.open("idempotency_key", body ?? "") };
}
