// Accounts of budgets: one row for each budget and period, made when the first call counts towards it.
import type { Pool } from "pg";
import type { AccountRef } from "../../domain/ports/usage-ledger.ts";
import type { BudgetPeriod, BudgetScope, BudgetState } from "../../domain/usage.ts";
import { execute } from "../statement.ts";

/** Accounts whose ids a process remembers. */
const REMEMBERED_MAX = 10_000;

/** The present period of `w.period`, by the database's clock, in UTC. */
const PERIOD_START = `case w.period when 'total' then null else date_trunc(w.period, now(), 'UTC') end`;
const PERIOD_END = `case w.period when 'total' then null
  else date_trunc(w.period, now(), 'UTC') + ('1 ' || w.period)::interval end`;

const WANTED = `unnest($1::text[], $2::text[], $3::text[]) as w(scope, subject, period)`;

/** In one order in every process, so that none waits for another in a circle. */
const ENSURE = `insert into budget_account as a (scope, subject, period, period_start, period_end)
  select w.scope, w.subject, w.period, ${PERIOD_START}, ${PERIOD_END} from ${WANTED} order by 1, 2, 3
  on conflict (scope, subject, period, (coalesce(period_start, '-infinity'::timestamptz))) do update set updated_at = now()
  returning account_id, scope, subject, period`;

interface AccountRow {
  account_id: string;
  scope: BudgetScope;
  subject: string;
  period: BudgetPeriod;
}

export class BudgetAccounts {
  readonly #pool: Pick<Pool, "query">;
  readonly #idByKey = new Map<string, string>();

  constructor(pool: Pick<Pool, "query">) {
    this.#pool = pool;
  }

  /** Ids in the order of the references. */
  async idsOf(accounts: AccountRef[]): Promise<string[]> {
    const missing = accounts.filter((account) => !this.#idByKey.has(keyOf(account)));
    if (missing.length > 0) {
      const rows = await execute<AccountRow>(this.#pool, ENSURE, columnsOf(missing), "ensure_budget_accounts");
      for (const row of rows) this.#remember(keyOf(row), row.account_id);
    }
    return accounts.map((account) => this.#idByKey.get(keyOf(account))!);
  }

  /** Their period is over: the next time they are looked for anew. */
  forget(accounts: AccountRef[]): void {
    for (const account of accounts) this.#idByKey.delete(keyOf(account));
  }

  #remember(key: string, accountId: string): void {
    if (this.#idByKey.size >= REMEMBERED_MAX) this.#idByKey.delete(this.#idByKey.keys().next().value!);
    this.#idByKey.set(key, accountId);
  }
}

/** Those of the present period that were ever used. */
export async function readBudgetAccounts(pool: Pick<Pool, "query">, accounts: AccountRef[]): Promise<BudgetState[]> {
  if (accounts.length === 0) return [];
  const rows = await execute<AccountRow & { period_end: Date | null; tokens: string; cost: string }>(
    pool,
    `select a.account_id, a.scope, a.subject, a.period, a.period_end, a.tokens_spent + a.tokens_reserved as tokens,
       a.cost_spent + a.cost_reserved as cost
     from ${WANTED} join budget_account a on a.scope = w.scope and a.subject = w.subject and a.period = w.period
       and coalesce(a.period_start, '-infinity'::timestamptz) = coalesce(${PERIOD_START}, '-infinity'::timestamptz)`,
    columnsOf(accounts),
    "read_budget_accounts",
  );
  return rows.map(({ scope, subject, period, period_end, tokens, cost }) => ({
    scope,
    subject,
    period,
    periodEnd: period_end,
    tokens: Number(tokens),
    cost: Number(cost),
  }));
}

function columnsOf(accounts: AccountRef[]): string[][] {
  return [
    accounts.map(({ scope }) => scope),
    accounts.map(({ subject }) => subject),
    accounts.map(({ period }) => period),
  ];
}

function keyOf({ scope, subject, period }: AccountRef): string {
  return JSON.stringify([scope, subject, period]);
}
