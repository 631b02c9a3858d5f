// The usage ledger on PostgreSQL: a call is reserved in one statement on all its budgets or on none, and settled in one.
import type { Pool } from "pg";
import { LeaseLostError } from "../../domain/errors.ts";
import type { Fence } from "../../domain/ports/run-queue.ts";
import type {
  AbandonedCall,
  AccountLimit,
  CallSettlement,
  NewCall,
  Reservation,
  UsageLedger,
} from "../../domain/ports/usage-ledger.ts";
import type { BudgetState } from "../../domain/usage.ts";
import { execute } from "../statement.ts";
import { BudgetAccounts } from "./budget-accounts.ts";

/** How often a reservation looks for accounts anew, because a period ended in between. */
const PERIOD_CHANGES_MAX = 3;

/** A worker that is alive settles a call of a run that ended within this time. */
const ABANDONED_AFTER_MS = 30_000;

/**
 * The accounts are locked before they are judged, in one order, so that reservations of the same budget go one after the other. Accounts
 * of a period that is over are not locked: their number is too small then. A repeated statement finds its entry and reserves nothing more.
 */
const RESERVE = `with fence as (
    select metadata from thread where thread_id = $1::uuid and epoch = $2::bigint for share
  ),
  wanted as (
    select * from unnest($3::bigint[], $4::bigint[], $5::numeric[]) as w(account_id, tokens_max, cost_max)
  ),
  locked as (
    select a.account_id, a.period_end, a.tokens_spent + a.tokens_reserved as tokens, a.cost_spent + a.cost_reserved as cost
    from budget_account a
    where a.account_id = any($3::bigint[]) and (a.period_end is null or a.period_end > now()) and exists (select from fence)
    order by a.account_id for update
  ),
  known as (select from usage_entry where call_id = $6::uuid),
  judged as (
    select l.*, not exists (select from known)
      and (coalesce(l.tokens + $7::bigint > w.tokens_max, false) or coalesce(l.cost + $8::numeric > w.cost_max, false)) as is_exceeded
    from locked l join wanted w using (account_id)
  ),
  verdict as (
    select count(*) = cardinality($3::bigint[]) as is_present, coalesce(bool_or(is_exceeded), false) as is_exceeded from judged
  ),
  allowed as (select from verdict where is_present and not is_exceeded and not exists (select from known)),
  taken as (
    update budget_account a set tokens_reserved = a.tokens_reserved + $7::bigint, cost_reserved = a.cost_reserved + $8::numeric,
      updated_at = now()
    from locked l where a.account_id = l.account_id and exists (select from allowed)
  ),
  entered as (
    insert into usage_entry (call_id, run_id, thread_id, epoch, assistant_id, graph_id, user_id, tenant_id, thread_metadata, node,
      provider, model, run_attempt, call_attempt, outcome, estimated_input_tokens, reserved_tokens, reserved_cost, account_ids)
    select $6::uuid, $9::uuid, $1::uuid, $2::bigint, $10::uuid, $11, $12, $13, fence.metadata, $14, $15, $16, $17, $18, 'running', $19,
      $7::bigint, $8::numeric, $3::bigint[]
    from fence where exists (select from allowed)
    on conflict (call_id) do nothing
  )
  select exists (select from fence) as is_held, v.is_present, v.is_exceeded,
    (select jsonb_agg(jsonb_build_object('id', j.account_id::text, 'end', j.period_end, 'tokens', j.tokens, 'cost', j.cost,
      'exceeded', j.is_exceeded)) from judged j) as accounts
  from verdict v`;

/** An estimate gives way to what the provider told; nothing else is settled twice. */
const SETTLE = `with entry as (
    select call_id, account_ids, reserved_tokens, reserved_cost, input_tokens + output_tokens as charged_tokens,
      coalesce(cost, 0) as charged_cost
    from usage_entry
    where call_id = $1::uuid and (outcome = 'running' or (is_estimated and not $4::boolean)) for update
  ),
  locked as (
    select a.account_id from budget_account a, entry e where a.account_id = any(e.account_ids) order by a.account_id for update of a
  ),
  moved as (
    update budget_account a set tokens_reserved = a.tokens_reserved - e.reserved_tokens,
      cost_reserved = a.cost_reserved - e.reserved_cost,
      tokens_spent = a.tokens_spent - e.charged_tokens + $6::bigint + $9::bigint,
      cost_spent = a.cost_spent - e.charged_cost + coalesce($11::numeric, 0), updated_at = now()
    from entry e, locked l where a.account_id = l.account_id
  )
  update usage_entry u set outcome = $2, error = $3, is_estimated = $4, price_source = $5, input_tokens = $6,
    cached_input_tokens = $7, cache_write_tokens = $8, output_tokens = $9, reasoning_tokens = $10, cost = $11,
    latency_ms = $12, first_token_ms = $13, provider_call_id = $14, reserved_tokens = 0, reserved_cost = 0, ended_at = now()
  from entry e where u.call_id = e.call_id`;

interface ReservationRow {
  is_held: boolean;
  is_present: boolean;
  is_exceeded: boolean;
  accounts: { id: string; end: string | null; tokens: number; cost: number; exceeded: boolean }[] | null;
}

export class PostgresUsageLedger implements UsageLedger {
  readonly #pool: Pick<Pool, "query">;
  readonly #accounts: BudgetAccounts;

  constructor(pool: Pick<Pool, "query">) {
    this.#pool = pool;
    this.#accounts = new BudgetAccounts(pool);
  }

  async reserveCall(fence: Fence, call: NewCall, limits: AccountLimit[]): Promise<Reservation> {
    for (let round = 0; round < PERIOD_CHANGES_MAX; round++) {
      const ids = limits.length === 0 ? [] : await this.#accounts.idsOf(limits);
      const [row] = await execute<ReservationRow>(
        this.#pool,
        RESERVE,
        reserveValues(fence, call, limits, ids),
        "reserve_call",
      );
      if (row === undefined || !row.is_held) throw new LeaseLostError(fence.threadId);
      if (!row.is_present) {
        this.#accounts.forget(limits);
        continue;
      }
      const budgets = limits.map((limit, at) =>
        toBudgetState(
          limit,
          row.accounts?.find(({ id }) => id === ids[at]),
        ),
      );
      if (!row.is_exceeded) {
        return { isAllowed: true, budgets: budgets.map(({ state }) => withCall(state, call)) };
      }
      return { isAllowed: false, exceeded: budgets.filter(({ isExceeded }) => isExceeded).map(({ state }) => state) };
    }
    throw new Error("The accounts of the budgets were not found again and again.");
  }

  async settleCall(callId: string, settlement: CallSettlement): Promise<void> {
    const { outcome, error, isEstimated, priceSource, cost, latencyMs, firstTokenMs } = settlement;
    const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens } = settlement;
    const tokens = [inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens];
    const values = [
      callId,
      outcome,
      storable(error),
      isEstimated,
      priceSource,
      ...tokens,
      toNumeric(cost),
      latencyMs,
      firstTokenMs,
      storable(settlement.providerCallId),
    ];
    await execute(this.#pool, SETTLE, values, "settle_call");
  }

  async findAbandonedCalls(countMax: number): Promise<AbandonedCall[]> {
    const rows = await execute<{
      call_id: string;
      provider: string | null;
      model: string;
      estimated_input_tokens: string;
    }>(
      this.#pool,
      `select e.call_id, e.provider, e.model, e.estimated_input_tokens from usage_entry e
       where e.outcome = 'running' and e.started_at < now() - ${ABANDONED_AFTER_MS} * interval '1 millisecond'
         and not exists (select from thread t where t.thread_id = e.thread_id and t.epoch = e.epoch)
       order by e.started_at limit $1`,
      [countMax],
      "find_abandoned_calls",
    );
    return rows.map((row) => ({
      callId: row.call_id,
      provider: row.provider,
      model: row.model,
      estimatedInputTokens: Number(row.estimated_input_tokens),
    }));
  }

  /** Accounts go when their period is over, and those of runs and threads when they have not been used for that long. */
  async removeOldUsage(options: { olderThanMs: number; countMax: number }): Promise<number> {
    const [row] = await execute<{ removed: number }>(
      this.#pool,
      `with age as (select now() - $1::float8 * interval '1 millisecond' as limit_at),
       entries as (
         delete from usage_entry where call_id in
           (select call_id from usage_entry, age where started_at < limit_at and outcome <> 'running' order by started_at limit $2)
         returning 1
       ),
       accounts as (
         delete from budget_account where account_id in
           (select account_id from budget_account, age where updated_at < limit_at
              and (period_end < now() or scope in ('run', 'thread'))
            order by updated_at limit $2 for update skip locked)
         returning 1
       )
       select ((select count(*) from entries) + (select count(*) from accounts))::int as removed`,
      [options.olderThanMs, options.countMax],
    );
    return row!.removed;
  }
}

function reserveValues(fence: Fence, call: NewCall, limits: AccountLimit[], ids: string[]): unknown[] {
  return [
    fence.threadId,
    fence.epoch,
    ids,
    limits.map(({ tokensMax }) => tokensMax ?? null),
    limits.map(({ costMax }) => toNumeric(costMax ?? null)),
    call.callId,
    call.reservedTokens,
    toNumeric(call.reservedCost),
    fence.runId,
    call.assistantId,
    call.graphId,
    storable(call.userId),
    storable(call.tenantId),
    storable(call.node),
    storable(call.provider),
    storable(call.model),
    call.runAttempt,
    call.callAttempt,
    call.estimatedInputTokens,
  ];
}

type AccountJson = NonNullable<ReservationRow["accounts"]>[number];

function toBudgetState(
  limit: AccountLimit,
  account: AccountJson | undefined,
): { state: BudgetState; isExceeded: boolean } {
  const periodEnd = account?.end == null ? null : new Date(account.end);
  const state = { ...limit, periodEnd, tokens: Number(account?.tokens ?? 0), cost: Number(account?.cost ?? 0) };
  return { state, isExceeded: account?.exceeded ?? false };
}

function withCall(state: BudgetState, { reservedTokens, reservedCost }: NewCall): BudgetState {
  return { ...state, tokens: state.tokens + reservedTokens, cost: state.cost + reservedCost };
}

/** As text that PostgreSQL reads exactly; JavaScript would write small numbers with an exponent, which it reads as well. */
function toNumeric(amount: number | null): string | null {
  return amount === null ? null : amount.toFixed(12);
}

/** PostgreSQL's text holds no null character. */
function storable(text: string | null): string | null {
  return text === null ? null : text.replaceAll("\0", "\uFFFD");
}
