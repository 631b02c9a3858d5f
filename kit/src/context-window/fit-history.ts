// Trims a history to a token budget: whole groups, oldest first, with a beginning that stays put from call to call.
import type { BaseMessage } from "@langchain/core/messages";
import { groupMessages, isPinned, type MessageGroup } from "./message-groups.ts";
import { estimateTokens, type TokenCounter } from "./token-estimate.ts";

/** How to trim. */
export interface FitHistoryOptions {
  /** Most tokens of what is kept. */
  tokensMax: number;
  /**
   * Share of `tokensMax` to which the history is cut once it is over. The gap to 1 is how much can be added before the next
   * cut; until then the prefix stays the same, so that providers' prompt caches hit. @default 0.6
   */
  keepShare?: number;
  /** @default {@link estimateTokens} */
  countTokens?: TokenCounter;
}

/** A trimmed history. */
export interface FittedHistory {
  /** What is kept, in order. */
  messages: BaseMessage[];
  /** What was left out, in order. */
  left: BaseMessage[];
  /** Tokens of what is kept, by the counter used. */
  tokens: number;
  /** Whether it is within the budget; not so if the newest turn, system and pinned messages alone are larger. */
  isWithinBudget: boolean;
}

const keepShareDefault = 0.6;

/**
 * Keeps system messages, pinned messages, and the newest turns that fit; what is kept begins with a user message. Pure, and
 * deterministic over a growing history: where a history was cut once, its continuation is cut too, until the budget is reached again.
 * A message alone larger than the budget is kept if it belongs to the newest turn.
 */
export function fitHistory(messages: BaseMessage[], options: FitHistoryOptions): FittedHistory {
  const { tokensMax, keepShare = keepShareDefault, countTokens = estimateTokens } = options;
  const groups = groupMessages(messages);
  const costs = groups.map((group) => countTokens(group.messages));
  const isFixed = groups.map((group) => group.kind === "system" || group.messages.some(isPinned));
  const fixedTokens = costs.reduce((sum, cost, at) => sum + (isFixed[at] ? cost : 0), 0);
  // Replays the history from its beginning, so that every cut falls where it fell in earlier calls.
  let start = 0;
  let tokens = fixedTokens;
  for (const [at] of groups.entries()) {
    if (!isFixed[at]) tokens += costs[at]!;
    if (tokens <= tokensMax) continue;
    const next = nextStart(groups, costs, isFixed, at, tokens, Math.max(fixedTokens, tokensMax * keepShare), start);
    start = next.start;
    tokens = next.tokens;
  }
  const kept = groups.filter((_, at) => isFixed[at] || at >= start).flatMap((group) => group.messages);
  const keptSet = new Set(kept);
  return {
    messages: kept,
    left: messages.filter((message) => !keptSet.has(message)),
    tokens,
    isWithinBudget: tokens <= tokensMax,
  };
}

/** Moves the start forward to a user message, at least until the goal is reached, at most to the newest one. */
function nextStart(
  groups: MessageGroup[],
  costs: number[],
  isFixed: boolean[],
  newest: number,
  tokensBefore: number,
  goal: number,
  startBefore: number,
): { start: number; tokens: number } {
  let best = { start: startBefore, tokens: tokensBefore };
  let tokens = tokensBefore;
  for (let at = startBefore; at <= newest; at++) {
    if (groups[at]!.kind === "user" && at > startBefore) {
      best = { start: at, tokens };
      if (tokens <= goal) return best;
    }
    if (!isFixed[at]) tokens -= costs[at]!;
  }
  return best;
}
