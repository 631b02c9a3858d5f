// Counts tokens with OpenAI's own encodings, offline; other providers publish none, so theirs are estimated.
import type { BaseMessage } from "@langchain/core/messages";
import { parseModelSpec } from "../models/model-spec.ts";
import { isAi, isTool } from "./message-kinds.ts";
import { estimateTokens, type TokenCounter } from "./token-estimate.ts";

/** What a message costs beside its text (OpenAI cookbook, "How to count tokens", 2024). */
const messageOverheadTokens = 3;

/** A counter, and whether it counts or estimates. */
export interface NamedCounter {
  count: TokenCounter;
  isExact: boolean;
}

/** Models before gpt-4o use the older encoding (OpenAI, tiktoken's model table, 2025). */
const olderModels = /^(gpt-3\.5|gpt-4(?!o|\.|-4)|text-embedding)/;

/**
 * The best counter for a model: for OpenAI's own models text is encoded as the provider does, which takes a second to load and some
 * milliseconds for a long history; for others, and for images, it is {@link estimateTokens}.
 * @param spec such as `openai:gpt-4o`
 * @throws ModelConfigError for a spec that names no provider
 */
export async function createTokenCounter(spec: string): Promise<NamedCounter> {
  const { provider, modelName } = parseModelSpec(spec);
  if (provider !== "openai" || !/^(gpt-|o\d|chatgpt)/.test(modelName)) return { count: estimateTokens, isExact: false };
  const { Tiktoken } = await import("js-tiktoken/lite");
  const ranks = olderModels.test(modelName)
    ? await import("js-tiktoken/ranks/cl100k_base")
    : await import("js-tiktoken/ranks/o200k_base");
  const encoding = new Tiktoken(ranks.default);
  const countText = (text: string) => encoding.encode(text, [], []).length;
  // A message is counted once; histories only grow.
  const known = new WeakMap<BaseMessage, { key: string; tokens: number }>();
  const countMessage = (message: BaseMessage) => {
    const parts = textsOf(message);
    if (parts === undefined) return estimateTokens([message]);
    const key = parts.join("\u0000");
    const before = known.get(message);
    if (before?.key === key) return before.tokens;
    const tokens = messageOverheadTokens + parts.reduce((sum, text) => sum + countText(text), 0);
    known.set(message, { key, tokens });
    return tokens;
  };
  return { count: (messages) => messages.reduce((sum, message) => sum + countMessage(message), 0), isExact: true };
}

/** What of a message is encoded; undefined if it has more than text. */
function textsOf(message: BaseMessage): string[] | undefined {
  if (typeof message.content !== "string" && message.content.some(({ type }) => type !== "text")) return undefined;
  const calls = isAi(message)
    ? (message.tool_calls ?? []).flatMap(({ name, args }) => [name, JSON.stringify(args)])
    : [];
  return [message.type, message.text, ...calls, ...(isTool(message) ? [message.tool_call_id] : [])];
}
