// What a thread or a turn has used so far, read off the usage that its answers carry: no state of its own, so a crash loses nothing.
import type { BaseMessage } from "@langchain/core/messages";
import { isAi } from "../context-window/message-kinds.ts";
import type { PricedTokens, PriceTable } from "./price-table.ts";

/** Sums up the answers among the messages. What no answer tells is not in it: broken calls, and messages that were removed. */
export function usageOf(messages: BaseMessage[]): PricedTokens {
  const sum = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0 };
  for (const message of messages) {
    const usage = isAi(message) ? message.usage_metadata : undefined;
    sum.inputTokens += usage?.input_tokens ?? 0;
    sum.cachedInputTokens += usage?.input_token_details?.cache_read ?? 0;
    sum.cacheWriteTokens += usage?.input_token_details?.cache_creation ?? 0;
    sum.outputTokens += usage?.output_tokens ?? 0;
  }
  return sum;
}

/**
 * What the answers among the messages cost, in US dollars, each priced as its own model.
 * @returns undefined if a model's price is unknown
 */
export function costOf(messages: BaseMessage[], prices: PriceTable, provider: string): number | undefined {
  let dollars = 0;
  for (const message of messages) {
    if (!isAi(message) || !message.usage_metadata) continue;
    const model = String(message.response_metadata.model_name ?? message.response_metadata.model ?? "");
    const priced = prices.price(provider, model, usageOf([message]));
    if (priced === undefined) return undefined;
    dollars += priced.cost;
  }
  return dollars;
}
