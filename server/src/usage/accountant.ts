// The accountant: prices calls of models, reserves them on their budgets before they are made, and settles them afterwards.
import type { PriceTable } from "@holdfast/kit/prices";
import { BudgetExceededError, PriceUnknownError } from "../domain/errors.ts";
import type {
  BudgetWarning,
  ModelAccounts,
  ModelCall,
  ModelCallEnd,
  RunAccounts,
} from "../domain/ports/model-accounts.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { CallOwner, Reservation, UsageLedger } from "../domain/ports/usage-ledger.ts";
import type { Run } from "../domain/run.ts";
import { type BudgetRule, type BudgetState, describeBudget, NO_USAGE, usedShare } from "../domain/usage.ts";
import type { Report } from "../observability/report.ts";
import { budgetState, isModel, limitFor, type PlannedBudget, planBudgets } from "./budget-plan.ts";

import { ownerOf } from "./run-owner.ts";

export interface AccountantOptions {
  ledger: UsageLedger;
  prices: PriceTable;
  rules: readonly BudgetRule[];
  /** Field of the authenticated user that names the tenant. */
  tenantField: string;
  /** Whether models without a known price may be called where a budget is kept in money. */
  isUnknownPriceAllowed: boolean;
  /** Tokens set aside for an answer whose length the call does not limit. */
  outputTokensReserved: number;
  report: Pick<Report, "modelCalled" | "usageUnsettled">;
}

/** Calls of dead workers settled in one turn. */
const ABANDONED_PER_TURN = 200;

export class Accountant implements ModelAccounts {
  readonly #options: AccountantOptions;

  constructor(options: AccountantOptions) {
    this.#options = options;
  }

  openRun(run: Run, fence: Fence): RunAccounts {
    const owner = ownerOf(run, this.#options.tenantField);
    const { userId: user, tenantId: tenant } = owner;
    const subjects = { run: run.runId, thread: run.threadId, user, tenant, deployment: "" };
    return new Accounts(this.#options, fence, owner, planBudgets(this.#options.rules, subjects));
  }

  /** Settles calls of workers that died with what was estimated of them; `true` when there may be more. */
  async settleAbandoned(): Promise<boolean> {
    const { ledger, prices } = this.#options;
    const calls = await ledger.findAbandonedCalls(ABANDONED_PER_TURN);
    for (const { callId, provider, model, estimatedInputTokens } of calls) {
      const usage = { ...NO_USAGE, inputTokens: estimatedInputTokens };
      const priced = prices.price(provider, model, usage);
      await ledger.settleCall(callId, {
        ...usage,
        outcome: "lost",
        isEstimated: true,
        error: "The process that made the call died.",
        providerCallId: null,
        cost: priced?.cost ?? null,
        priceSource: priced?.source ?? null,
        latencyMs: null,
        firstTokenMs: null,
      });
    }
    return calls.length === ABANDONED_PER_TURN;
  }
}

class Accounts implements RunAccounts {
  readonly #options: AccountantOptions;
  readonly #fence: Fence;
  readonly #owner: CallOwner;
  readonly #budgets: PlannedBudget[];
  readonly #warned = new Set<string>();
  /** Settlements of one call follow each other; the last of each call is awaited by `flush`. */
  readonly #settling = new Map<string, Promise<void>>();

  constructor(options: AccountantOptions, fence: Fence, owner: CallOwner, budgets: PlannedBudget[]) {
    this.#options = options;
    this.#fence = fence;
    this.#owner = owner;
    this.#budgets = budgets;
  }

  async openCall(call: ModelCall): Promise<BudgetWarning[]> {
    const { ledger, outputTokensReserved } = this.#options;
    const outputTokens = call.outputTokensMax ?? outputTokensReserved;
    const limits = this.#budgets.map(({ rule, account }) => ({
      ...account,
      ...limitFor(rule, call.provider, call.model),
    }));
    const cost = this.#price(call, { ...NO_USAGE, inputTokens: call.inputTokens, outputTokens })?.cost;
    const isCostLimited = limits.some(({ costMax }) => costMax !== undefined);
    if (cost === undefined && isCostLimited && !this.#options.isUnknownPriceAllowed)
      throw new PriceUnknownError(call.model);
    const reservation = await ledger.reserveCall(
      this.#fence,
      {
        ...this.#owner,
        callId: call.callId,
        node: call.node,
        provider: call.provider,
        model: call.model,
        callAttempt: call.callAttempt,
        estimatedInputTokens: call.inputTokens,
        reservedTokens: limits.length === 0 ? 0 : call.inputTokens + outputTokens,
        reservedCost: limits.length === 0 ? 0 : (cost ?? 0),
      },
      limits,
    );
    if (!reservation.isAllowed) throw this.#refuse(call, reservation, call.inputTokens + outputTokens);
    return this.#newWarnings(reservation.budgets);
  }

  closeCall(call: ModelCall, end: ModelCallEnd): void {
    const priced = this.#price(call, end);
    const settlement = { ...end, cost: priced?.cost ?? null, priceSource: priced?.source ?? null };
    const before = this.#settling.get(call.callId) ?? Promise.resolve();
    const settled = before
      .then(() => this.#options.ledger.settleCall(call.callId, settlement))
      .catch((error: unknown) => this.#options.report.usageUnsettled({ callId: call.callId, error }));
    this.#settling.set(call.callId, settled);
    void settled.then(() => {
      if (this.#settling.get(call.callId) === settled) this.#settling.delete(call.callId);
    });
    const { provider, model } = call;
    this.#options.report.modelCalled({ ...end, provider, model, cost: settlement.cost, runId: this.#fence.runId });
  }

  async flush(): Promise<void> {
    await Promise.all(this.#settling.values());
  }

  #price(call: ModelCall, usage: Parameters<PriceTable["price"]>[2]) {
    return this.#options.prices.price(call.provider, call.model, usage);
  }

  #refuse(
    call: ModelCall,
    { exceeded }: Extract<Reservation, { isAllowed: false }>,
    wantedTokens: number,
  ): BudgetExceededError {
    const [budget] = exceeded;
    const rule = this.#budgets.find(
      ({ account }) => account.scope === budget?.scope && account.period === budget.period,
    )?.rule;
    const cheaper = rule?.cheaper?.model;
    const isCheaperItself = cheaper !== undefined && isModel(cheaper, call.provider, call.model);
    const message =
      budget === undefined ? "A budget has no room for this call." : describeRefusal(budget, call.model, wantedTokens);
    return new BudgetExceededError(message, isCheaperItself ? undefined : cheaper);
  }

  #newWarnings(budgets: BudgetState[]): BudgetWarning[] {
    const warnings: BudgetWarning[] = [];
    for (const [at, planned] of this.#budgets.entries()) {
      const { rule, account } = planned;
      const { tokens, cost, periodEnd } = budgets[at]!;
      const state = budgetState(planned, { tokens, cost, periodEnd });
      const share = usedShare(state);
      const key = `${account.scope} ${account.period}`;
      if (share < rule.warnAt || this.#warned.has(key)) continue;
      this.#warned.add(key);
      warnings.push({ ...state, share });
    }
    return warnings;
  }
}

function describeRefusal(budget: BudgetState, model: string, wantedTokens: number): string {
  const { tokens, cost, tokensMax, costMax, periodEnd } = budget;
  const used = [
    ...(tokensMax === undefined ? [] : [`${tokens} of ${tokensMax} tokens`]),
    ...(costMax === undefined ? [] : [`$${toCents(cost)} of $${toCents(costMax)}`]),
  ];
  const until = periodEnd === null ? "" : ` A new period begins at ${periodEnd.toISOString()}.`;
  const name = describeBudget(budget);
  return (
    `${name[0]!.toUpperCase()}${name.slice(1)} has no room for this call of ${model} (about ${wantedTokens} tokens): ` +
    `${used.join(", ")} are used or reserved.${until}`
  );
}

function toCents(dollars: number): string {
  return dollars.toFixed(dollars < 1 ? 4 : 2);
}
