// OpenAI's rule for tools in chat completions: every call is followed at once by one result each, and no result stands alone.
import { openAiError } from "./errors.ts";

interface PairedMessage {
  role: string;
  tool_calls?: { id: string }[];
  tool_call_id?: string;
}

/** @throws ProviderError for orphaned tool calls and orphaned tool results. */
export function checkToolPairs(messages: PairedMessage[]): void {
  let openIds = new Set<string>();
  let callsAt = -1;
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      const isAfterCalls =
        callsAt >= 0 && messages.slice(callsAt + 1, index).every((between) => between.role === "tool");
      if (!isAfterCalls || !messages[callsAt]!.tool_calls!.some((call) => call.id === message.tool_call_id)) {
        const text =
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
        throw openAiError(text, { param: `messages.[${index}].role` });
      }
      openIds.delete(message.tool_call_id!);
      continue;
    }
    if (openIds.size > 0) throw missingResults(openIds, index);
    if (!message.tool_calls) continue;
    callsAt = index;
    openIds = new Set(message.tool_calls.map((call) => call.id));
  }
  if (openIds.size > 0) throw missingResults(openIds, messages.length - 1);
}

function missingResults(openIds: Set<string>, index: number) {
  const ids = [...openIds].join(", ");
  const text = `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`;
  return openAiError(text, { param: `messages.[${index}].role` });
}
