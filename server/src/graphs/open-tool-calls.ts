// Closes tool calls that a cancel or crash left without results, when the next input arrives: providers refuse a history with open calls.
import type { BaseCheckpointSaver, CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { CheckpointRef } from "../domain/thread-state.ts";
import { toConfigurable } from "./wire-checkpoint.ts";
import { flattenMessage, isMessage, type MessageLike } from "./wire-message.ts";

/** The channel of LangGraph's message states. */
const MESSAGES = "messages";

const CANCELLED_TEXT =
  "This tool call was cancelled before it reported a result. It may or may not have taken effect; check before doing it again.";

interface ToolCall {
  id: string;
  name: string;
}

/**
 * The input with a result for every open call of the thread's newest answer, put before the new messages: the real result where
 * a parallel call had finished before the run was cut off, else one that says that the call was cancelled
 * (`additional_kwargs.cancelled`). Calls that the input itself answers are left to it. Partial model output is not in the state:
 * a model call that was cut off leaves nothing behind but its stream events.
 */
export async function closeOpenToolCalls(
  input: unknown,
  saver: Pick<BaseCheckpointSaver, "getTuple">,
  thread: { threadId: string; checkpoint: CheckpointRef | undefined },
): Promise<unknown> {
  if (typeof input !== "object" || input === null || !(MESSAGES in input)) return input;
  const tuple = await saver.getTuple({ configurable: toConfigurable(thread.threadId, thread.checkpoint) });
  const stored = tuple?.checkpoint.channel_values[MESSAGES];
  if (tuple === undefined || !Array.isArray(stored)) return input;
  const given: unknown[] = Array.isArray(input.messages) ? input.messages : [input.messages];
  const answered = new Set(given.map((message) => Reflect.get(Object(message), "tool_call_id")));
  const open = findOpenCalls(stored).filter((call) => !answered.has(call.id));
  if (open.length === 0) return input;
  const results = open.map((call) => findResult(tuple, call.id) ?? cancelledResult(call));
  return { ...input, messages: [...results, ...given] };
}

/** Calls of the newest message with calls that have no result after it; older ones were closed before it could be written. */
function findOpenCalls(messages: unknown[]): ToolCall[] {
  const answered = new Set<unknown>();
  for (const message of messages.toReversed()) {
    if (!isMessage(message)) return [];
    const calls = (message.tool_calls ?? []) as ToolCall[];
    if (typeOf(message) === "ai" && calls.length > 0) {
      return calls.filter((call) => typeof call.id === "string" && !answered.has(call.id));
    }
    answered.add(Reflect.get(message, "tool_call_id"));
  }
  return [];
}

/** The result of a call among the writes of the superstep that was cut off. */
function findResult(tuple: CheckpointTuple, callId: string): Record<string, unknown> | undefined {
  for (const [, channel, value] of tuple.pendingWrites ?? []) {
    if (channel !== MESSAGES) continue;
    for (const message of Array.isArray(value) ? value : [value]) {
      if (isMessage(message) && Reflect.get(message, "tool_call_id") === callId) return flattenMessage(message);
    }
  }
  return undefined;
}

function cancelledResult(call: ToolCall): Record<string, unknown> {
  return {
    type: "tool",
    id: `cancelled-${call.id}`,
    name: call.name,
    tool_call_id: call.id,
    content: CANCELLED_TEXT,
    status: "error",
    additional_kwargs: { cancelled: true },
  };
}

function typeOf(message: MessageLike): string | undefined {
  return message.getType?.() ?? message._getType?.();
}
