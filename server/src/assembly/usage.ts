// Usage put together: the accountant of workers, the view of the API, and what keeps the ledger in order.
import { PriceTable } from "@holdfast/kit/prices";
import type { Project } from "../config/project-file.ts";
import { readUsageSettings } from "../config/usage-settings.ts";
import type { Report } from "../observability/report.ts";
import type { Persistence } from "../postgres/persistence.ts";
import { Accountant } from "../usage/accountant.ts";
import { BudgetReader } from "../usage/budget-reader.ts";

/** Entries removed in one turn. */
const REMOVED_PER_TURN = 1_000;

export interface Usage {
  /** Of processes that run graphs. */
  accountant: Accountant | undefined;
  budgets: BudgetReader;
  /** Removes what is older than the project file wants to know; `true` when there may be more. */
  removeOld(): Promise<boolean>;
}

export function openUsage(
  project: Project,
  { ledger, usageReports }: Pick<Persistence, "ledger" | "usageReports">,
  { report, isWorker }: { report: Report; isWorker: boolean },
): Usage {
  const settings = readUsageSettings(project.content);
  const openAccountant = () => {
    const prices = new PriceTable(settings.prices);
    return new Accountant({ ...settings, ledger, prices, rules: settings.budgets, report });
  };
  return {
    accountant: isWorker ? openAccountant() : undefined,
    budgets: new BudgetReader(usageReports, settings),
    async removeOld() {
      const count = await ledger.removeOldUsage({ olderThanMs: settings.retentionMs, countMax: REMOVED_PER_TURN });
      if (count > 0) report.agedOut({ what: "usage", count });
      return count >= REMOVED_PER_TURN;
    },
  };
}
