// Cuts a history into groups that must stay together: a question, an answer, or tool calls with all their results.
import type { BaseMessage } from "@langchain/core/messages";
import { isHuman, isSystem, isTool } from "./message-kinds.ts";
import { toolCallIds } from "./message-parts.ts";

/** Messages that are kept or left out together. */
export interface MessageGroup {
  messages: BaseMessage[];
  kind: "system" | "user" | "answer";
}

/** The groups of a history in which results directly follow their calls, as `repairHistory` makes it. */
export function groupMessages(messages: BaseMessage[]): MessageGroup[] {
  const groups: MessageGroup[] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (isTool(message) && last && toolCallIds(last.messages[0]!).length > 0) last.messages.push(message);
    else groups.push({ messages: [message], kind: kindOf(message) });
  }
  return groups;
}

function kindOf(message: BaseMessage): MessageGroup["kind"] {
  if (isSystem(message)) return "system";
  return isHuman(message) ? "user" : "answer";
}

/** The messages since the user's newest one. */
export function newestTurn(messages: BaseMessage[]): BaseMessage[] {
  return messages.slice(messages.findLastIndex((message) => isHuman(message)) + 1);
}

/** Marks a message so that it stays in what the model sees, however old it gets. */
export function pinMessage<Message extends BaseMessage>(message: Message): Message {
  message.additional_kwargs.pinned = true;
  return message;
}

/** Whether a message was pinned. */
export function isPinned(message: BaseMessage): boolean {
  return message.additional_kwargs.pinned === true;
}
