// Keeps every model call of an agent within a token budget, by compactions that are checkpointed steps of the graph.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import { ReducedValue, StateSchema } from "@langchain/langgraph";
import { createMiddleware } from "langchain";
import { z } from "zod";
import {
  type Compaction,
  type ContextLimits,
  contextViewWithin,
  latestCompaction,
  mergeCompactions,
  planCompaction,
} from "./compaction.ts";
import { repairHistory } from "./history-repair.ts";
import { summarizeMessages } from "./summarize.ts";

/** Share of a model's window given to messages if no budget is set. */
const windowShareDefault = 0.5;
/** Window assumed for a model that LangChain's model profiles do not know. */
const windowTokensUnknown = 16_000;

const compaction = z.object({
  version: z.number().int(),
  summary: z.string().optional(),
  throughMessageId: z.string().optional(),
  clearedThroughMessageId: z.string().optional(),
});

/** The channel in which compactions are kept; add it to the state of an explicit graph that compacts by itself. */
export const compactionState = new StateSchema({
  compactions: new ReducedValue(
    z.array(compaction).default(() => []),
    { inputSchema: z.array(compaction), reducer: mergeCompactions },
  ),
});

/** Settings of the context window. */
export interface ContextWindowOptions extends Partial<ContextLimits> {
  /** Makes the summaries; a small, cheap model will do. */
  summaryModel: BaseChatModel;
  /** Told when no summary could be made; the oldest turns are then left out of this call without one. */
  onSummaryError?: (error: unknown) => void;
}

/**
 * The token budget for messages of a model.
 * @default half of the window in LangChain's profile of the model, or half of 16,000 tokens for an unknown one.
 */
export function tokenBudgetFor(model: BaseChatModel): number {
  const windowTokens = model.profile?.maxInputTokens ?? windowTokensUnknown;
  return Math.floor(windowTokens * windowShareDefault);
}

/** One compaction step: the state update it makes, or nothing if the thread is within its budget or no summary could be made. */
export async function compactThread(
  state: { messages: BaseMessage[]; compactions?: Compaction[] },
  options: ContextWindowOptions,
  signal?: AbortSignal,
): Promise<{ compactions: Compaction[] } | undefined> {
  const limits = { ...options, tokensMax: options.tokensMax ?? tokenBudgetFor(options.summaryModel) };
  const current = latestCompaction(state.compactions ?? []);
  const plan = planCompaction(state.messages, current, limits);
  if (!plan) return undefined;
  const next: Compaction = {
    ...current,
    version: (current?.version ?? 0) + 1,
    clearedThroughMessageId: plan.clearedThroughMessageId,
  };
  if (plan.toSummarise.length > 0) {
    try {
      next.summary = await summarizeMessages(options.summaryModel, plan.toSummarise, current?.summary, {
        config: { signal },
      });
      next.throughMessageId = plan.toSummarise.at(-1)!.id;
    } catch (error) {
      if (signal?.aborted) throw error;
      options.onSummaryError?.(error);
      return undefined;
    }
  }
  return { compactions: [next] };
}

/**
 * Compacts before a model call that would be over the budget, as a step of its own (so it is checkpointed and survives a crash),
 * and sends the model its view of the thread, repaired. The thread's messages stay complete.
 */
export function contextWindowMiddleware(options: ContextWindowOptions) {
  const limits = { ...options, tokensMax: options.tokensMax ?? tokenBudgetFor(options.summaryModel) };
  return createMiddleware({
    name: "ContextWindow",
    stateSchema: compactionState,
    beforeModel: (state, runtime) => compactThread(state, limits, runtime.signal),
    wrapModelCall: (request, handler) => {
      const { compactions } = request.state as { compactions?: Compaction[] };
      const healthy = repairHistory(request.messages).messages;
      const view = contextViewWithin(healthy, latestCompaction(compactions ?? []), limits);
      return handler({ ...request, messages: repairHistory(view, { firstMessage: "user" }).messages });
    },
  });
}
