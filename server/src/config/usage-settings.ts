// How usage is priced and bounded: `usage` of the project file.
import { omitUndefined } from "../domain/json.ts";
import type { BudgetRule } from "../domain/usage.ts";
import type { ProjectFileContent } from "./project-file-schema.ts";

const DAY_MS = 86_400_000;

export interface UsageSettings {
  /** Field of the authenticated user that names the tenant. @default "tenant_id" */
  tenantField: string;
  /** US dollars per million tokens, by `provider:model` or the model's name. */
  prices: Record<string, { input: number; cachedInput?: number; cacheWrite?: number; output: number }>;
  /** Whether models without a known price may be called where a budget is kept in money. @default false */
  isUnknownPriceAllowed: boolean;
  /** Tokens set aside for an answer whose length the call does not limit. @default 1,000 */
  outputTokensReserved: number;
  budgets: BudgetRule[];
  /** @default 400 days, so that a month can be compared with that of a year ago */
  retentionMs: number;
}

export function readUsageSettings({ usage = {} }: ProjectFileContent): UsageSettings {
  const prices = Object.entries(usage.prices ?? {}).map(([model, { input, cached_input, cache_write, output }]) => [
    model,
    omitUndefined({ input, cachedInput: cached_input, cacheWrite: cache_write, output }),
  ]);
  return {
    tenantField: usage.tenant_field ?? "tenant_id",
    prices: Object.fromEntries(prices),
    isUnknownPriceAllowed: usage.unknown_price === "allow",
    outputTokensReserved: usage.output_tokens_reserved ?? 1_000,
    budgets: (usage.budgets ?? []).map(toRule),
    retentionMs: (usage.retention_days ?? 400) * DAY_MS,
  };
}

function toRule(entry: NonNullable<NonNullable<ProjectFileContent["usage"]>["budgets"]>[number]): BudgetRule {
  const { per, id, period, tokens, usd, warn_at, cheaper } = entry;
  // A run or thread is bounded as a whole unless the file says otherwise, everybody else by the month.
  const wholePeriod = per === "run" || per === "thread" ? "total" : "month";
  return omitUndefined<BudgetRule>({
    scope: per,
    subject: per === "deployment" ? undefined : id,
    period: period ?? wholePeriod,
    tokensMax: tokens,
    costMax: usd,
    warnAt: warn_at ?? 0.8,
    cheaper: cheaper && omitUndefined({ model: cheaper.model, tokensMax: cheaper.tokens, costMax: cheaper.usd }),
  });
}
