// Estimates tokens without a provider's tokenizer: offline, fast, and rather too many than too few.
import type { BaseMessage } from "@langchain/core/messages";
import { isAi, isTool } from "./message-kinds.ts";

/** Counts the tokens of messages, or estimates them. */
export type TokenCounter = (messages: BaseMessage[]) => number;

/** English text has about four characters to a token in the GPT and Claude tokenizers (OpenAI, "What are tokens", 2025). */
const asciiCharactersPerToken = 4;
/** Other scripts take about one token a character at worst, which is what is assumed. */
const otherTokensPerCharacter = 1;
/** What a message costs beside its text, in the chat formats of OpenAI. */
const messageOverheadTokens = 4;
/** An image at middling resolution; providers charge from 85 to 1,600. */
const imageTokens = 1_000;

/** Estimates the tokens of a text. */
export function estimateTextTokens(text: string): number {
  if (!/[\u0080-\uffff]/.test(text)) return Math.ceil(text.length / asciiCharactersPerToken);
  let asciiCount = 0;
  let otherCount = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit <= 0x7f) asciiCount++;
    // The second half of a surrogate pair belongs to a character that was counted already.
    else if (unit < 0xdc00 || unit > 0xdfff) otherCount++;
  }
  return Math.ceil(asciiCount / asciiCharactersPerToken + otherCount * otherTokensPerCharacter);
}

/**
 * Estimates the tokens of messages with their tool calls and images. Per message the estimate depends on that message alone, so
 * estimates of parts add up to the estimate of the whole.
 */
export const estimateTokens: TokenCounter = (messages) =>
  messages.reduce((sum, message) => sum + estimateMessage(message), 0);

function estimateMessage(message: BaseMessage): number {
  let tokens = messageOverheadTokens;
  if (typeof message.content === "string") tokens += estimateTextTokens(message.content);
  else {
    for (const block of message.content) {
      if (/image|file|audio|video|document/.test(String(block.type))) tokens += imageTokens;
      else if (!isCallBlock(block.type))
        tokens += estimateTextTokens(typeof block.text === "string" ? block.text : JSON.stringify(block));
    }
  }
  if (isAi(message)) {
    for (const call of message.tool_calls ?? [])
      tokens += estimateTextTokens(call.name + JSON.stringify(call.args)) + messageOverheadTokens;
  }
  if (isTool(message)) tokens += estimateTextTokens(message.tool_call_id);
  return tokens;
}

/** Blocks that repeat what stands in `tool_calls`. */
function isCallBlock(type: unknown): boolean {
  return type === "tool_use" || type === "function_call" || type === "tool_call" || type === "input_json_delta";
}
