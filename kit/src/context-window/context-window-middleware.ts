// Keeps every model call of an agent within a token budget, by compactions that are checkpointed steps of the graph.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage } from "@langchain/core/messages";
import { ReducedValue, StateSchema } from "@langchain/langgraph";
import { createMiddleware } from "langchain";
import { z } from "zod";
import { markForCache, wantsCacheMarks } from "./cache-control.ts";
import {
  type Compaction,
  type ContextLimits,
  contextViewWithin,
  latestCompaction,
  mergeCompactions,
  planCompaction,
} from "./compaction.ts";
import { repairHistory } from "./history-repair.ts";
import { tokenBudgetFor } from "./model-window.ts";
import { factsMessage, type PinnedFact, pinnedFactState } from "./pinned-facts.ts";
import { summarizeMessages } from "./summarize.ts";

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
    { inputSchema: z.array(compaction).default(() => []), reducer: mergeCompactions },
  ),
});

/** Settings of the context window. */
export interface ContextWindowOptions extends Partial<ContextLimits> {
  /** Makes the summaries; a small, cheap model will do. */
  summaryModel: BaseChatModel;
  /** Told when no summary could be made; the oldest turns are then left out of this call without one. */
  onSummaryError?: (error: unknown) => void;
  /** Most tokens of pinned facts, estimated; the newest are shown. @default 1,000 */
  pinnedFactsTokensMax?: number;
}

const pinnedFactsTokensMaxDefault = 1_000;
/** Shown before the summary, so that both change as seldom as they can. */
const windowState = new StateSchema({ ...compactionState.fields, ...pinnedFactState.fields });

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
    stateSchema: windowState,
    beforeModel: (state, runtime) => compactThread(state, limits, runtime.signal),
    wrapModelCall: (request, handler) => {
      const { compactions, pinnedFacts } = request.state as { compactions?: Compaction[]; pinnedFacts?: PinnedFact[] };
      const healthy = repairHistory(request.messages).messages;
      const view = contextViewWithin(healthy, latestCompaction(compactions ?? []), limits);
      const facts = factsMessage(pinnedFacts ?? [], options.pinnedFactsTokensMax ?? pinnedFactsTokensMaxDefault);
      const { messages } = repairHistory(facts ? [facts, ...view] : view, { firstMessage: "user" });
      if (!wantsCacheMarks(request.model as BaseChatModel)) return handler({ ...request, messages });
      const marked = markForCache(request.systemMessage, messages);
      return handler({ ...request, messages: marked.messages, systemMessage: marked.system ?? request.systemMessage });
    },
  });
}
