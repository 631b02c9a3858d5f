// Checks the invariants of RELIABILITY (I1-I7, I9) from the rows, the audit, the sink's record and the clients' logs. I8 needs a
// usage ledger and I10 needs tenants; neither exists yet, so no fault claims them.
import { checkClientLogs, checkMessages } from "./check-clients.ts";
import { checkEffects } from "./check-effects.ts";
import type { CheckInput, Violation } from "./check-input.ts";
import { checkDeliveries, checkLinearHistory, checkRunsEnded, checkThreadsFree, checkWriters } from "./check-rows.ts";

export async function checkInvariants(input: CheckInput): Promise<Violation[]> {
  const found = await Promise.all([
    checkRunsEnded(input),
    checkEffects(input),
    checkLinearHistory(input),
    checkWriters(input),
    checkClientLogs(input),
    checkMessages(input),
    checkThreadsFree(input),
    checkDeliveries(input),
  ]);
  return found.flat();
}
