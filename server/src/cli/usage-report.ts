// Usage as a terminal shows it: one line a sum, and JSON for programs.
import type { JsonObject } from "../domain/json.ts";
import type { UsageKey, UsageSum } from "../domain/ports/usage-ledger.ts";
import { formatTable } from "./table.ts";

export function formatUsageTable(keys: UsageKey[], sums: UsageSum[]): string {
  return formatTable(
    [
      ...keys.map((key) => key.replace(/_id$/, "").toUpperCase()),
      "CALLS",
      "FAILED",
      "INPUT",
      "CACHED",
      "OUTPUT",
      "COST",
      "MEAN MS",
    ],
    sums.map((sum) => [
      ...keys.map((key) => sum.keys[key] ?? "-"),
      String(sum.callCount),
      String(sum.failedCount + sum.abortedCount),
      String(sum.inputTokens),
      String(sum.cachedInputTokens),
      String(sum.outputTokens),
      describeCost(sum),
      sum.latencyMsMean === null ? "-" : String(Math.round(sum.latencyMsMean)),
    ]),
  );
}

/** What has no price is said, never counted as nothing. */
function describeCost({ cost, unpricedCount }: UsageSum): string {
  if (cost === null) return unpricedCount > 0 ? "unknown" : "-";
  const dollars = `$${cost.toFixed(cost < 1 ? 6 : 2)}`;
  return unpricedCount > 0 ? `${dollars} + ${unpricedCount} calls unknown` : dollars;
}

export function presentUsageRow(sum: UsageSum): JsonObject {
  return {
    ...sum.keys,
    calls: sum.callCount,
    failed_calls: sum.failedCount,
    aborted_calls: sum.abortedCount,
    estimated_calls: sum.estimatedCount,
    unpriced_calls: sum.unpricedCount,
    input_tokens: sum.inputTokens,
    cached_input_tokens: sum.cachedInputTokens,
    cache_write_tokens: sum.cacheWriteTokens,
    output_tokens: sum.outputTokens,
    reasoning_tokens: sum.reasoningTokens,
    cost_usd: sum.cost,
    latency_ms_mean: sum.latencyMsMean,
  };
}
