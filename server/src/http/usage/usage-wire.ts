// Usage on the wire: the filters of its queries, and sums, calls and budgets as clients see them.
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../domain/json.ts";
import type { UsageEntry, UsageFilter, UsageSum } from "../../domain/ports/usage-ledger.ts";
import { type BudgetState, CALL_OUTCOMES, type TokenUsage, usedShare } from "../../domain/usage.ts";
import { uuidSchema } from "../wire.ts";

const text = z.string().min(1).max(512).optional();
const time = z.iso
  .datetime({ offset: true })
  .or(z.iso.date())
  .optional()
  .openapi({ description: "A time or a day, in UTC unless it says otherwise", example: "2026-01-31" });

export const usageFilterShape = {
  run_id: uuidSchema.optional(),
  thread_id: uuidSchema.optional(),
  assistant_id: uuidSchema.optional(),
  graph_id: text,
  user_id: text,
  tenant_id: text,
  provider: text,
  model: text,
  outcome: z.enum(CALL_OUTCOMES).optional(),
  since: time,
  until: time,
};

export function toUsageFilter(query: z.output<z.ZodObject<typeof usageFilterShape>>): UsageFilter {
  const { since, until } = query;
  return omitUndefined<UsageFilter>({
    runId: query.run_id,
    threadId: query.thread_id,
    assistantId: query.assistant_id,
    graphId: query.graph_id,
    userId: query.user_id,
    tenantId: query.tenant_id,
    provider: query.provider,
    model: query.model,
    outcome: query.outcome,
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  });
}

const tokensShape = {
  input_tokens: z.int().openapi({ description: "All input, cached reads and cache writes included" }),
  cached_input_tokens: z.int(),
  cache_write_tokens: z.int(),
  output_tokens: z.int().openapi({ description: "All output, reasoning included" }),
  reasoning_tokens: z.int(),
  cost_usd: z.number().nullable().openapi({ description: "US dollars; null where the price is unknown" }),
};

export const usageSumSchema = z
  .object({
    group: z.record(z.string(), z.string().nullable()).openapi({ description: "The values summed up by" }),
    calls: z.int(),
    failed_calls: z.int(),
    aborted_calls: z.int(),
    estimated_calls: z.int().openapi({ description: "Calls that broke off, whose tokens are estimates" }),
    unpriced_calls: z.int().openapi({ description: "Calls of models without a known price; not in cost_usd" }),
    ...tokensShape,
    latency_ms_mean: z.number().nullable(),
  })
  .openapi("UsageSum");

export const modelCallSchema = z
  .object({
    call_id: z.string(),
    run_id: z.string(),
    thread_id: z.string(),
    assistant_id: z.string(),
    graph_id: z.string(),
    user_id: z.string().nullable(),
    tenant_id: z.string().nullable(),
    node: z.string().nullable(),
    provider: z.string().nullable(),
    model: z.string(),
    run_attempt: z.int(),
    call_attempt: z.int(),
    outcome: z.enum(CALL_OUTCOMES),
    is_estimated: z.boolean(),
    error: z.string().nullable(),
    provider_call_id: z.string().nullable().openapi({ description: "The provider's own id of its answer" }),
    ...tokensShape,
    price_source: z.string().nullable(),
    started_at: z.string(),
    ended_at: z.string().nullable(),
    latency_ms: z.int().nullable(),
    first_token_ms: z.int().nullable(),
  })
  .openapi("ModelCall");

export const budgetSchema = z
  .object({
    per: z.string(),
    id: z.string(),
    period: z.string(),
    period_end: z.string().nullable(),
    used: z.number().nullable().openapi({ description: "Share of the limit, reservations of running calls included" }),
    tokens: z.int(),
    tokens_max: z.int().nullable(),
    usd: z.number(),
    usd_max: z.number().nullable(),
  })
  .openapi("Budget");

function presentTokens(usage: TokenUsage & { cost: number | null }) {
  return {
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    cost_usd: usage.cost,
  };
}

export function presentUsageSum(sum: UsageSum): z.output<typeof usageSumSchema> {
  return {
    group: sum.keys as Record<string, string | null>,
    calls: sum.callCount,
    failed_calls: sum.failedCount,
    aborted_calls: sum.abortedCount,
    estimated_calls: sum.estimatedCount,
    unpriced_calls: sum.unpricedCount,
    ...presentTokens(sum),
    latency_ms_mean: sum.latencyMsMean === null ? null : Math.round(sum.latencyMsMean),
  };
}

export function presentModelCall(entry: UsageEntry): z.output<typeof modelCallSchema> {
  return {
    call_id: entry.callId,
    run_id: entry.runId,
    thread_id: entry.threadId,
    assistant_id: entry.assistantId,
    graph_id: entry.graphId,
    user_id: entry.userId,
    tenant_id: entry.tenantId,
    node: entry.node,
    provider: entry.provider,
    model: entry.model,
    run_attempt: entry.runAttempt,
    call_attempt: entry.callAttempt,
    outcome: entry.outcome,
    is_estimated: entry.isEstimated,
    error: entry.error,
    provider_call_id: entry.providerCallId,
    ...presentTokens(entry),
    price_source: entry.priceSource,
    started_at: entry.startedAt.toISOString(),
    ended_at: entry.endedAt?.toISOString() ?? null,
    latency_ms: entry.latencyMs,
    first_token_ms: entry.firstTokenMs,
  };
}

export function presentBudget(state: BudgetState): z.output<typeof budgetSchema> {
  const share = usedShare(state);
  return {
    per: state.scope,
    id: state.subject,
    period: state.period,
    period_end: state.periodEnd?.toISOString() ?? null,
    used: Number.isFinite(share) ? Math.round(share * 10_000) / 10_000 : null,
    tokens: state.tokens,
    tokens_max: state.tokensMax ?? null,
    usd: state.cost,
    usd_max: state.costMax ?? null,
  };
}
