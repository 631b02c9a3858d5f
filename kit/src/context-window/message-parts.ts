// Small questions about messages: whether they say anything, which calls they make, and copies with other content.
import { AIMessage, type BaseMessage, HumanMessage, type MessageContent } from "@langchain/core/messages";
import { isAi } from "./message-kinds.ts";

/** Content block types by which providers write a tool call into a message's content. */
const callBlockTypes = new Set(["tool_use", "input_json_delta", "function_call", "tool_call"]);

const invalidCallText = "(A tool call was dropped here because its arguments were not valid JSON.)";
const emptyQuestionText = "(empty message)";

/** Whether a message has no content that a provider would accept: no text but white space, and no other block. */
export function isBlank(message: BaseMessage): boolean {
  if (typeof message.content === "string") return message.content.trim() === "";
  return message.content.every((block) => block.type === "text" && String(block.text ?? "").trim() === "");
}

/** Ids of the tool calls that must be followed by results. */
export function toolCallIds(message: BaseMessage): string[] {
  if (!isAi(message)) return [];
  return (message.tool_calls ?? []).flatMap((call) => (call.id ? [call.id] : []));
}

/** Whether a message carries tool calls whose arguments could not be parsed; providers get them back and refuse them. */
export function hasInvalidCalls(message: BaseMessage): message is AIMessage {
  return isAi(message) && (message.invalid_tool_calls?.length ?? 0) > 0;
}

/** A copy without invalid tool calls, in every place where the client libraries keep them; id and usage stay. */
export function withoutInvalidCalls(message: AIMessage): AIMessage {
  const validIds = new Set(toolCallIds(message));
  const { tool_calls: _calls, function_call: _call, ...additional } = message.additional_kwargs;
  const { output: _output, ...metadata } = message.response_metadata as Record<string, unknown>;
  const copy = new AIMessage({
    id: message.id,
    name: message.name,
    content: withoutCallBlocks(message.content, validIds),
    tool_calls: message.tool_calls,
    additional_kwargs: additional,
    response_metadata: metadata,
    usage_metadata: message.usage_metadata,
  });
  if (isBlank(copy) && validIds.size === 0) copy.content = invalidCallText;
  return copy;
}

function withoutCallBlocks(content: MessageContent, validIds: Set<string>): MessageContent {
  if (typeof content === "string") return content;
  return content.filter((block) => {
    const { id, call_id: callId } = block as { id?: string; call_id?: string };
    return !callBlockTypes.has(String(block.type)) || validIds.has(callId ?? id ?? "");
  });
}

/** A copy of a blank question that says that it is empty. */
export function withPlaceholder(message: HumanMessage): HumanMessage {
  return new HumanMessage({ id: message.id, name: message.name, content: emptyQuestionText });
}
