// Reports over the usage ledger: sums by any of its keys, and single calls.
import type { Pool } from "pg";
import type { AccessFilter } from "../../domain/page.ts";
import type {
  AccountRef,
  UsageEntry,
  UsageFilter,
  UsageKey,
  UsageReports,
  UsageSum,
} from "../../domain/ports/usage-ledger.ts";
import type { BudgetState, CallOutcome } from "../../domain/usage.ts";
import { accessCondition } from "../access-sql.ts";
import { execute, Parameters } from "../statement.ts";
import { readBudgetAccounts } from "./budget-accounts.ts";

/** How each key is read; only these texts become part of a statement. */
const KEY_SQL: Record<UsageKey, string> = {
  run_id: "u.run_id::text",
  thread_id: "u.thread_id::text",
  assistant_id: "u.assistant_id::text",
  graph_id: "u.graph_id",
  user_id: "u.user_id",
  tenant_id: "u.tenant_id",
  provider: "u.provider",
  model: "u.model",
  node: "u.node",
  outcome: "u.outcome",
  day: `to_char(u.started_at at time zone 'UTC', 'YYYY-MM-DD')`,
  hour: `to_char(u.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:00"Z"')`,
};

const SUMS = `count(*)::int as call_count, count(*) filter (where u.outcome = 'failed')::int as failed_count,
  count(*) filter (where u.outcome in ('aborted', 'lost'))::int as aborted_count,
  count(*) filter (where u.is_estimated)::int as estimated_count,
  count(*) filter (where u.cost is null and u.outcome <> 'running' and u.input_tokens + u.output_tokens > 0)::int as unpriced_count,
  sum(u.input_tokens) as input_tokens, sum(u.cached_input_tokens) as cached_input_tokens,
  sum(u.cache_write_tokens) as cache_write_tokens, sum(u.output_tokens) as output_tokens,
  sum(u.reasoning_tokens) as reasoning_tokens, sum(u.cost) as cost, avg(u.latency_ms)::float8 as latency_ms_mean`;

interface TokenColumns {
  input_tokens: string;
  cached_input_tokens: string;
  cache_write_tokens: string;
  output_tokens: string;
  reasoning_tokens: string;
  cost: string | null;
}

interface SumRow extends TokenColumns {
  call_count: number;
  failed_count: number;
  aborted_count: number;
  estimated_count: number;
  unpriced_count: number;
  latency_ms_mean: number | null;
  total: number;
  [key: `key_${string}`]: string | null;
}

interface EntryRow extends TokenColumns {
  call_id: string;
  run_id: string;
  thread_id: string;
  assistant_id: string;
  graph_id: string;
  user_id: string | null;
  tenant_id: string | null;
  node: string | null;
  provider: string | null;
  model: string;
  run_attempt: number;
  call_attempt: number;
  outcome: CallOutcome;
  is_estimated: boolean;
  error: string | null;
  provider_call_id: string | null;
  price_source: string | null;
  started_at: Date;
  ended_at: Date | null;
  latency_ms: number | null;
  first_token_ms: number | null;
  total: number;
}

export class PostgresUsageReports implements UsageReports {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async sumUsage(
    query: UsageFilter & { keys: UsageKey[]; limit: number; offset: number },
    access: AccessFilter,
  ): Promise<{ items: UsageSum[]; total: number }> {
    const { keys, limit, offset } = query;
    const parameters = new Parameters();
    const where = conditionsOf(query, access, parameters);
    const columns = keys.map((key, at) => `${KEY_SQL[key]} as key_${at}, `).join("");
    const group = keys.length === 0 ? "" : `group by ${keys.map((_, at) => at + 1).join(", ")}`;
    const times = keys.flatMap((key, at) => (key === "day" || key === "hour" ? [`${at + 1} desc`] : []));
    const order = [
      ...times,
      "sum(u.cost) desc nulls last",
      "sum(u.input_tokens + u.output_tokens) desc",
      ...keys.map((_, at) => `${at + 1}`),
    ];
    const rows = await execute<SumRow>(
      this.#pool,
      `select ${columns}${SUMS}, (count(*) over ())::int as total from usage_entry u where ${where} ${group}
       order by ${order.join(", ")} limit ${parameters.add(limit)} offset ${parameters.add(offset)}`,
      parameters.values,
    );
    // Without keys there is always one row; over no calls at all it says nothing.
    const items = rows.filter((row) => row.call_count > 0).map((row) => toSum(row, keys));
    return { items, total: items.length === 0 ? 0 : rows[0]!.total };
  }

  async listCalls(
    query: UsageFilter & { limit: number; offset: number },
    access: AccessFilter,
  ): Promise<{ items: UsageEntry[]; total: number }> {
    const parameters = new Parameters();
    const where = conditionsOf(query, access, parameters);
    const rows = await execute<EntryRow>(
      this.#pool,
      `select u.call_id, u.run_id, u.thread_id, u.assistant_id, u.graph_id, u.user_id, u.tenant_id, u.node, u.provider, u.model,
         u.run_attempt, u.call_attempt, u.outcome, u.is_estimated, u.error, u.provider_call_id, u.input_tokens, u.cached_input_tokens, u.cache_write_tokens,
         u.output_tokens, u.reasoning_tokens, u.cost, u.price_source, u.started_at, u.ended_at, u.latency_ms, u.first_token_ms,
         (count(*) over ())::int as total
       from usage_entry u where ${where} order by u.started_at desc, u.call_id desc
       limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`,
      parameters.values,
    );
    return { items: rows.map(toEntry), total: rows[0]?.total ?? 0 };
  }

  readAccounts(accounts: AccountRef[]): Promise<BudgetState[]> {
    return readBudgetAccounts(this.#pool, accounts);
  }
}

const FILTER_SQL: Record<Exclude<keyof UsageFilter, "since" | "until">, string> = {
  runId: "u.run_id",
  threadId: "u.thread_id",
  assistantId: "u.assistant_id",
  graphId: "u.graph_id",
  userId: "u.user_id",
  tenantId: "u.tenant_id",
  provider: "u.provider",
  model: "u.model",
  outcome: "u.outcome",
};

function conditionsOf(filter: UsageFilter, access: AccessFilter, parameters: Parameters): string {
  const conditions = [accessCondition(access, "u.thread_metadata", parameters)];
  for (const [name, column] of Object.entries(FILTER_SQL) as [keyof typeof FILTER_SQL, string][]) {
    const wanted = filter[name];
    if (wanted !== undefined) conditions.push(`${column} = ${parameters.add(wanted)}`);
  }
  if (filter.since !== undefined) conditions.push(`u.started_at >= ${parameters.add(filter.since)}`);
  if (filter.until !== undefined) conditions.push(`u.started_at < ${parameters.add(filter.until)}`);
  return conditions.join(" and ");
}

function toTokens(row: TokenColumns) {
  return {
    inputTokens: Number(row.input_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
    outputTokens: Number(row.output_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    cost: row.cost === null ? null : Number(row.cost),
  };
}

function toSum(row: SumRow, keys: UsageKey[]): UsageSum {
  return {
    ...toTokens(row),
    keys: Object.fromEntries(keys.map((key, at) => [key, row[`key_${at}`] ?? null])),
    callCount: row.call_count,
    failedCount: row.failed_count,
    abortedCount: row.aborted_count,
    estimatedCount: row.estimated_count,
    unpricedCount: row.unpriced_count,
    latencyMsMean: row.latency_ms_mean,
  };
}

function toEntry(row: EntryRow): UsageEntry {
  return {
    ...toTokens(row),
    callId: row.call_id,
    runId: row.run_id,
    threadId: row.thread_id,
    assistantId: row.assistant_id,
    graphId: row.graph_id,
    userId: row.user_id,
    tenantId: row.tenant_id,
    node: row.node,
    provider: row.provider,
    model: row.model,
    runAttempt: row.run_attempt,
    callAttempt: row.call_attempt,
    outcome: row.outcome,
    isEstimated: row.is_estimated,
    error: row.error,
    providerCallId: row.provider_call_id,
    priceSource: row.price_source,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    latencyMs: row.latency_ms,
    firstTokenMs: row.first_token_ms,
  };
}
