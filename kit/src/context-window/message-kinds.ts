// Tells messages apart by their type field: quick enough for thousands, and true for messages of another copy of LangChain's core.
import type { AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";

/** Whether a message is from the user. */
export function isHuman(message: BaseMessage): message is HumanMessage {
  return message.type === "human";
}

/** Whether a message is from the model, whole or a chunk. */
export function isAi(message: BaseMessage): message is AIMessage {
  return message.type === "ai";
}

/** Whether a message is a tool's result. */
export function isTool(message: BaseMessage): message is ToolMessage {
  return message.type === "tool";
}

/** Whether a message is from the system. */
export function isSystem(message: BaseMessage): message is SystemMessage {
  return message.type === "system";
}
