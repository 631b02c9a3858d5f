// Usage: the tokens a call of a model used, what they cost, and the budgets that bound both.

/** Tokens of one call or of many. */
export interface TokenUsage {
  /** All input, cached reads and cache writes included. */
  inputTokens: number;
  /** Input read from the provider's prompt cache. */
  cachedInputTokens: number;
  /** Input written to it. */
  cacheWriteTokens: number;
  /** All output, reasoning included. */
  outputTokens: number;
  reasoningTokens: number;
}

export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** `lost`: the process died during the call. */
export const CALL_OUTCOMES = ["running", "completed", "failed", "aborted", "lost"] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

export const BUDGET_SCOPES = ["run", "thread", "user", "tenant", "deployment"] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];

/** Calendar periods begin at midnight UTC, weeks on Monday; `total` never ends. */
export const BUDGET_PERIODS = ["hour", "day", "week", "month", "total"] as const;
export type BudgetPeriod = (typeof BUDGET_PERIODS)[number];

/** A limit in tokens, in US dollars, or both. */
export interface BudgetLimit {
  tokensMax?: number;
  costMax?: number;
}

/** One rule of the project file's `usage.budgets`. */
export interface BudgetRule extends BudgetLimit {
  scope: BudgetScope;
  period: BudgetPeriod;
  /** The one user, tenant or thread it is for, instead of each. */
  subject?: string;
  /** Share of the limit from which on clients are warned, 0 to 1. */
  warnAt: number;
  /** What may still be called beyond the limit, up to a limit of its own. */
  cheaper?: BudgetLimit & { model: string };
}

/** How much of one budget is used, the running calls' reservations included. */
export interface BudgetState {
  scope: BudgetScope;
  subject: string;
  period: BudgetPeriod;
  periodEnd: Date | null;
  tokens: number;
  cost: number;
  tokensMax?: number;
  costMax?: number;
}

/** The larger of the two shares of a budget that are used; above 1 is possible where an answer was longer than reserved. */
export function usedShare({
  tokens,
  cost,
  tokensMax,
  costMax,
}: Omit<BudgetState, "scope" | "subject" | "period" | "periodEnd">): number {
  const shareOf = (used: number, most: number | undefined) =>
    most === undefined ? 0 : most > 0 ? used / most : used > 0 ? Number.POSITIVE_INFINITY : 1;
  return Math.max(shareOf(tokens, tokensMax), shareOf(cost, costMax));
}

/** A budget in words, for errors and warnings. */
export function describeBudget({ scope, subject, period }: Pick<BudgetState, "scope" | "subject" | "period">): string {
  const whose = scope === "deployment" ? "the deployment" : `${scope} ${subject}`;
  return period === "total" ? `the budget of ${whose}` : `the budget of ${whose} for this ${period}`;
}
