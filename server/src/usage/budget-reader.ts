// How budgets stand: the accounts of the present periods beside the rules of the project file.
import type { BudgetCaller, BudgetView } from "../domain/ports/budget-view.ts";
import type { BudgetWarning } from "../domain/ports/model-accounts.ts";
import type { UsageReports } from "../domain/ports/usage-ledger.ts";
import { type BudgetRule, type BudgetState, usedShare } from "../domain/usage.ts";
import { budgetState, planBudgets } from "./budget-plan.ts";
import { nameOf } from "./run-owner.ts";

export class BudgetReader implements BudgetView {
  readonly #reports: Pick<UsageReports, "readAccounts">;
  readonly #rules: readonly BudgetRule[];
  readonly #tenantField: string;

  constructor(
    reports: Pick<UsageReports, "readAccounts">,
    settings: { budgets: readonly BudgetRule[]; tenantField: string },
  ) {
    this.#reports = reports;
    this.#rules = settings.budgets;
    this.#tenantField = settings.tenantField;
  }

  tenantOf(details: Record<string, unknown>): string | null {
    return nameOf(details[this.#tenantField]);
  }

  async readBudgets(caller: BudgetCaller): Promise<BudgetState[]> {
    return (await this.#read(caller)).map(({ state }) => state);
  }

  async findWarnings(caller: BudgetCaller): Promise<BudgetWarning[]> {
    return (await this.#read(caller)).flatMap(({ state, rule }) => {
      const share = usedShare(state);
      return share >= rule.warnAt && share > 0 ? [{ ...state, share }] : [];
    });
  }

  async #read({
    userId,
    tenantId,
    threadId,
    runId,
  }: BudgetCaller): Promise<{ rule: BudgetRule; state: BudgetState }[]> {
    const subjects = { run: runId, thread: threadId, user: userId, tenant: tenantId, deployment: "" };
    const planned = planBudgets(this.#rules, subjects);
    if (planned.length === 0) return [];
    const accounts = await this.#reports.readAccounts(planned.map(({ account }) => account));
    return planned.map((each) => {
      const { scope, period } = each.account;
      const found = accounts.find((account) => account.scope === scope && account.period === period);
      const used = { tokens: found?.tokens ?? 0, cost: found?.cost ?? 0, periodEnd: found?.periodEnd ?? null };
      return { rule: each.rule, state: budgetState(each, used) };
    });
  }
}
