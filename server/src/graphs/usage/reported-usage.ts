// Reads what a provider reported of a call's tokens, in the shapes LangChain gives it.
import type { TokenUsage } from "../../domain/usage.ts";

/** LangChain's `usage_metadata`; messages of any copy of LangChain have it. */
interface UsageMetadata {
  input_tokens?: number;
  output_tokens?: number;
  input_token_details?: { cache_read?: number; cache_creation?: number };
  output_token_details?: { reasoning?: number };
}

/** What of a finished call is looked at. */
export interface ModelOutput {
  generations?: { message?: { id?: string; usage_metadata?: UsageMetadata; content?: unknown }; text?: string }[][];
  llmOutput?: Record<string, unknown> & {
    tokenUsage?: { promptTokens?: number; completionTokens?: number };
  };
}

/** Undefined where the provider told nothing: a count of nothing at all is taken for that, as some libraries fill in zeros. */
export function reportedUsage({ generations, llmOutput }: ModelOutput): TokenUsage | undefined {
  const reported = generations?.[0]?.[0]?.message?.usage_metadata;
  if (reported !== undefined) return orUndefined(fromMetadata(reported));
  const { promptTokens, completionTokens } = llmOutput?.tokenUsage ?? {};
  return orUndefined(fromMetadata({ input_tokens: promptTokens ?? 0, output_tokens: completionTokens ?? 0 }));
}

export function fromMetadata({
  input_tokens,
  output_tokens,
  input_token_details,
  output_token_details,
}: UsageMetadata): TokenUsage {
  return {
    inputTokens: count(input_tokens),
    cachedInputTokens: count(input_token_details?.cache_read),
    cacheWriteTokens: count(input_token_details?.cache_creation),
    outputTokens: count(output_tokens),
    reasoningTokens: count(output_token_details?.reasoning),
  };
}

/** Pieces of an answer report parts: Anthropic its input first and its output last. */
export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}

function orUndefined(usage: TokenUsage): TokenUsage | undefined {
  return usage.inputTokens + usage.outputTokens > 0 ? usage : undefined;
}

/** What a provider sends is not to be trusted to be a number. */
function count(tokens: unknown): number {
  return typeof tokens === "number" && Number.isFinite(tokens) && tokens > 0 ? Math.round(tokens) : 0;
}
