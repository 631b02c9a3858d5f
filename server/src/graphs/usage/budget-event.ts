// How a nearly used budget is told to clients: an event `budget` of a run's stream, a custom event `budget` on a thread's tape.
import { omitUndefined } from "../../domain/json.ts";
import type { BudgetWarning } from "../../domain/ports/model-accounts.ts";
import { describeBudget } from "../../domain/usage.ts";

export const BUDGET_EVENT = "budget";

/** In the names of the wire. */
export function presentBudgetWarning(warning: BudgetWarning) {
  const { scope, subject, period, periodEnd, tokens, cost, tokensMax, costMax, share } = warning;
  const percent = Math.floor(share * 100);
  return omitUndefined({
    message: `${percent} % of ${describeBudget(warning)} are used.`,
    per: scope,
    id: subject,
    period,
    period_end: periodEnd?.toISOString() ?? null,
    used: Math.round(share * 10_000) / 10_000,
    tokens,
    tokens_max: tokensMax,
    usd: cost,
    usd_max: costMax,
  });
}
