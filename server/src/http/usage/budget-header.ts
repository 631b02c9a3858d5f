// Tells the creator of a run, in a header, which budgets are nearly used up.
import { describeBudget } from "../../domain/usage.ts";
import type { Caller } from "../operation.ts";

export const BUDGET_HEADER = "holdfast-budget-warning";

/** Nothing is asked of the database where there are no budgets. The header must never be what a run fails of. */
export async function addBudgetHeader({ services, principal, context }: Caller, threadId: string): Promise<void> {
  const caller = { ...budgetCaller(services, principal), threadId, runId: null };
  const warnings = await services.budgets.findWarnings(caller).catch(() => []);
  if (warnings.length === 0) return;
  const texts = warnings.map((warning) => `${Math.floor(warning.share * 100)} % of ${describeBudget(warning)}`);
  context.header(BUDGET_HEADER, toHeaderText(texts.join("; ")));
}

/** The user and the tenant of whoever asks. */
export function budgetCaller(
  services: Caller["services"],
  { isAuthenticated, identity, details }: Caller["principal"],
) {
  if (!isAuthenticated) return { userId: null, tenantId: null };
  return { userId: identity, tenantId: services.budgets.tenantOf(details) };
}

/** Headers hold printable ASCII only. */
function toHeaderText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
