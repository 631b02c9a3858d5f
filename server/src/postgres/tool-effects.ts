// Effects of tools as rows: one statement decides whether a call is carried out, was carried out, or is a person's to judge.
import type { Pool } from "pg";
import { LeaseLostError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { EffectOutcome, EffectReservation, NewEffect, ToolEffects } from "../domain/ports/tool-effects.ts";
import { cipherOf } from "./content/cipher-of.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { execute, type Queryable } from "./statement.ts";

interface EffectRow {
  effect_id: string;
  status: "reserved" | "finished" | "failed" | "unknown" | "skipped";
  decision_count: number;
  result: string | null;
  reserved_at: Date;
  other_unknown_count: string;
}

const HOLDS_FENCE = `fence as (select thread_id from thread where thread_id = $1::uuid and epoch = $2::bigint for share)`;

/** What a call that has a row already comes to. A broken-off one runs again only where that does no harm. */
const NEXT_STATUS = `case
  when e.status in ('finished', 'skipped') then e.status
  when e.status = 'failed' or excluded.is_idempotent or (e.status = 'reserved' and e.token = excluded.token) then 'reserved'
  else 'unknown' end`;

/** A call that is like one nobody knows the outcome of is taken for it: a run that starts over cannot name it otherwise. */
const RESERVE = `with ${HOLDS_FENCE},
  twin as (
    select key_digest from tool_effect
    where thread_id = $1::uuid and status = 'unknown' and tool_name = $6 and args = any($9::text[])
      and not exists (select 1 from tool_effect o where o.thread_id = $1::uuid and o.key_digest = $4)
    order by reserved_at limit 1
  )
  insert into tool_effect as e (effect_id, thread_id, key_digest, run_id, tool_name, args, is_idempotent, status, token)
  select $3, thread_id, coalesce((select key_digest from twin), $4), $5::uuid, $6, $7, $8, 'reserved', $3 from fence
  on conflict (thread_id, key_digest) do update set
    status = ${NEXT_STATUS},
    run_id = excluded.run_id,
    is_idempotent = excluded.is_idempotent,
    attempt = case when (${NEXT_STATUS}) = 'reserved' and e.token <> excluded.token then e.attempt + 1 else e.attempt end,
    -- Only who may run leaves its token: repeated after an answer got lost, the statement comes to the same.
    token = case when (${NEXT_STATUS}) = 'reserved' then excluded.token else e.token end,
    reserved_at = case when (${NEXT_STATUS}) = 'reserved' and e.token <> excluded.token then now() else e.reserved_at end
  returning effect_id, status, decision_count, result, reserved_at,
    (select count(*) from tool_effect o
     where o.thread_id = e.thread_id and o.status = 'unknown' and o.effect_id <> e.effect_id) as other_unknown_count`;

const RETRY = `with ${HOLDS_FENCE}
  update tool_effect e set status = 'reserved', run_id = $4::uuid, token = $5, decision_count = $6, attempt = attempt + 1,
    reserved_at = now()
  from fence where e.thread_id = fence.thread_id and effect_id = $3::uuid and (status = 'unknown' or token = $5)
  returning effect_id`;

const SETTLE = `with ${HOLDS_FENCE}
  update tool_effect e set status = $4, result = $5, error = $6, decision_count = $7, ended_at = now()
  from fence where e.thread_id = fence.thread_id and effect_id = $3::uuid returning effect_id`;

export class PostgresToolEffects implements ToolEffects {
  readonly #pool: Pick<Pool, "query">;
  readonly #cipher: ContentCipher;

  constructor(pool: Pick<Pool, "query">) {
    this.#pool = pool;
    this.#cipher = cipherOf(pool);
  }

  async reserveEffect(fence: Fence, effect: NewEffect): Promise<EffectReservation> {
    const { keyDigest, toolName, argsJson, isIdempotent } = effect;
    const args = this.#cipher.fingerprint(storable(argsJson));
    const values = [mintId(), keyDigest, fence.runId, toolName, args.current, isIdempotent, args.all];
    const row = await this.#write<EffectRow>(fence, RESERVE, values, "reserve_effect");
    const found = { effectId: row.effect_id, decisionCount: row.decision_count };
    if (row.status === "reserved") return { kind: "reserved", ...found };
    if (row.status !== "unknown") return { kind: "settled", ...found, result: this.#open(row.result) };
    const otherUnknownCount = Number(row.other_unknown_count);
    return { kind: "unknown", ...found, reservedAt: row.reserved_at, otherUnknownCount };
  }

  async retryEffect(fence: Fence, effectId: string, decisionCount: number): Promise<void> {
    await this.#write(fence, RETRY, [effectId, fence.runId, mintId(), decisionCount], "retry_effect");
  }

  async settleEffect(fence: Fence, effectId: string, outcome: EffectOutcome): Promise<void> {
    const { status, result, error, decisionCount } = outcome;
    const values = [effectId, status, this.#seal(result), this.#seal(error), decisionCount];
    await this.#write(fence, SETTLE, values, "settle_effect");
  }

  /** PostgreSQL's text holds no null character; in JSON it is written out anyway. */
  #seal(text: string | null): string | null {
    return text === null ? null : this.#cipher.seal("tool_effect", storable(text));
  }

  #open(text: string | null): string | null {
    return text === null ? null : this.#cipher.open("tool_effect", text);
  }

  async #write<Row>(fence: Fence, text: string, values: unknown[], name: string): Promise<Row> {
    const rows = await execute<Row>(this.#pool, text, [fence.threadId, fence.epoch, ...values], name);
    if (rows[0] === undefined) throw new LeaseLostError(fence.threadId);
    return rows[0];
  }
}

/** Under new keys: what the copy repeats on purpose is another effect. What is being carried out there is unknown here. */
export async function copyToolEffects(db: Queryable, from: string, to: string): Promise<void> {
  await execute(
    db,
    `insert into tool_effect (effect_id, thread_id, key_digest, run_id, tool_name, args, is_idempotent, status, attempt,
       decision_count, token, result, error, created_at, reserved_at, ended_at)
     select gen_random_uuid(), $2::uuid, key_digest, run_id, tool_name, args, is_idempotent, status, attempt,
       decision_count, gen_random_uuid(), result, error, created_at, reserved_at, ended_at
     from tool_effect where thread_id = $1::uuid`,
    [from, to],
  );
}

function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}
