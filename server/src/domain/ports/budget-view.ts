// How budgets stand for somebody: shown with new runs, and on request.
import type { BudgetState } from "../usage.ts";
import type { BudgetWarning } from "./model-accounts.ts";

/** Whose budgets are looked at. */
export interface BudgetCaller {
  userId: string | null;
  tenantId: string | null;
  threadId: string | null;
  runId: string | null;
}

export interface BudgetView {
  /** The name of the caller's tenant, from what authentication told of the user. */
  tenantOf(details: Record<string, unknown>): string | null;
  /** Budgets that the caller's calls count towards; empty without a query where there are no rules. */
  readBudgets(caller: BudgetCaller): Promise<BudgetState[]>;
  /** Those of them that are nearly used up, or used up. */
  findWarnings(caller: BudgetCaller): Promise<BudgetWarning[]>;
}
