// Ends a turn that gets nowhere with an answer instead of a crash: after so many rounds of tools, or failures, no more tools.
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { isBlank } from "../context-window/message-parts.ts";
import { countTurn } from "./loop-breaker.ts";

/** Bounds of a turn, that is of everything since the user's newest message. */
export interface TurnLimits {
  /** Answers of the model that may call tools in one turn. @default 8, which fits LangGraph's recursion limit of 25 supersteps */
  roundsMax?: number;
  /** Tool calls that may fail in one turn; one more than a tool's own `failuresPerTurnMax`, so that its words come first. @default 9 */
  failuresMax?: number;
  /** What is answered when the model has nothing else to say. */
  fallbackText?: string;
}

const defaults = {
  roundsMax: 8,
  failuresMax: 9,
  fallbackText:
    "I could not finish this: the tools I need did not lead to a result. Please try again, or ask in another way.",
};

/** Whether the model has to answer now, without tools. A plain function for graphs of your own. */
export function mustAnswerNow(messages: BaseMessage[], limits: TurnLimits = {}): boolean {
  const { rounds, failures } = countTurn(messages);
  return rounds >= (limits.roundsMax ?? defaults.roundsMax) || failures >= (limits.failuresMax ?? defaults.failuresMax);
}

/**
 * The answer without tool calls, for models that call tools although they were told not to; with the fallback's text if nothing is left.
 * Id, usage and the rest stay.
 */
export function withoutToolCalls(message: AIMessage, limits: TurnLimits = {}): AIMessage {
  if ((message.tool_calls?.length ?? 0) + (message.invalid_tool_calls?.length ?? 0) === 0 && !isBlank(message))
    return message;
  return new AIMessage({
    id: message.id,
    name: message.name,
    content: message.text.trim() === "" ? (limits.fallbackText ?? defaults.fallbackText) : message.text,
    response_metadata: { ...message.response_metadata, output: undefined },
    usage_metadata: message.usage_metadata,
  });
}
