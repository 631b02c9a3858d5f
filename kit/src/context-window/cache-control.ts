// Marks what Anthropic may keep in its prompt cache: the system prompt, and the conversation up to its newest message.
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { BaseMessage, SystemMessage } from "@langchain/core/messages";
import { identifyModel } from "../models/model-identity.ts";

const mark = { cache_control: { type: "ephemeral" as const } };

/** Whether a model asks for marks; other providers find equal prefixes by themselves. */
export function wantsCacheMarks(model: BaseChatModel): boolean {
  return identifyModel(model).ls_provider === "anthropic";
}

/** A copy of a message whose last block ends a prefix to be cached; the message itself if there is nothing to mark. */
export function withCacheMark<Message extends BaseMessage>(message: Message): Message {
  const blocks = typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
  const last = blocks.at(-1);
  const isMarkable = last?.type === "text" && typeof last.text === "string" && last.text !== "";
  if (!isMarkable || message.type === "tool") return message;
  const copy = Object.assign(Object.create(Object.getPrototypeOf(message)), message) as Message;
  copy.content = [...blocks.slice(0, -1), { ...last, ...mark }] as Message["content"];
  return copy;
}

/**
 * Marks the system prompt and the newest message that can be marked. The next call's prompt begins with the same, so the provider reads
 * it from its cache (Anthropic looks back 20 blocks from a mark; "Prompt caching", 2025). Two of the four marks that a request may have.
 */
export function markForCache(system: SystemMessage | undefined, messages: BaseMessage[]) {
  const at = messages.findLastIndex((message) => withCacheMark(message) !== message);
  return {
    system: system && withCacheMark(system),
    messages: messages.map((message, index) => (index === at ? withCacheMark(message) : message)),
  };
}
