// Which budgets a run counts towards: the rules of the project file, applied to who and what the run is.
import { omitUndefined } from "../domain/json.ts";
import type { AccountRef } from "../domain/ports/usage-ledger.ts";
import type { BudgetRule, BudgetScope, BudgetState } from "../domain/usage.ts";

/** The subjects that a run counts towards, by scope; null where there is none, such as an unknown user. */
export type BudgetSubjects = Record<BudgetScope, string | null>;

/** A rule on one subject's account. */
export interface PlannedBudget {
  rule: BudgetRule;
  account: AccountRef;
}

/**
 * The budgets of a run. A rule for one subject takes the place of the rule for each of the same scope and period.
 * No rule applies where the run has no such subject.
 */
export function planBudgets(rules: readonly BudgetRule[], subjects: BudgetSubjects): PlannedBudget[] {
  const planned = new Map<string, PlannedBudget>();
  // Those for one subject come last and so win.
  const ordered = [...rules].sort((a, b) => Number(a.subject !== undefined) - Number(b.subject !== undefined));
  for (const rule of ordered) {
    const { scope, period } = rule;
    const subject = subjects[scope];
    if (subject === null || (rule.subject !== undefined && rule.subject !== subject)) continue;
    planned.set(`${scope} ${period}`, { rule, account: { scope, subject, period } });
  }
  return [...planned.values()];
}

/** The limit that holds for a model: the cheaper one of a budget may go beyond it, up to a limit of its own. */
export function limitFor({ cheaper, tokensMax, costMax }: BudgetRule, provider: string | null, model: string) {
  if (cheaper === undefined || !isModel(cheaper.model, provider, model)) return omitUndefined({ tokensMax, costMax });
  return omitUndefined({ tokensMax: cheaper.tokensMax, costMax: cheaper.costMax });
}

/** How an account stands under its rule. */
export function budgetState(
  { rule: { tokensMax, costMax }, account }: PlannedBudget,
  used: Pick<BudgetState, "tokens" | "cost" | "periodEnd">,
): BudgetState {
  return omitUndefined<BudgetState>({ ...account, ...used, tokensMax, costMax });
}

/** A spec is `provider:model`; the provider may be left out. */
export function isModel(spec: string, provider: string | null, model: string): boolean {
  return spec === model || spec === `${provider}:${model}`;
}
