// Makes a message history acceptable to every provider again, after a cancel, a crash or a failed tool left it broken.
import { type AIMessage, type BaseMessage, HumanMessage, RemoveMessage, ToolMessage } from "@langchain/core/messages";
import { REMOVE_ALL_MESSAGES } from "@langchain/langgraph";
import { isAi, isHuman, isSystem, isTool } from "./message-kinds.ts";
import { hasInvalidCalls, isBlank, toolCallIds, withoutInvalidCalls, withPlaceholder } from "./message-parts.ts";

/** What was wrong at one place of a history. */
export interface HistoryProblem {
  /**
   * - `missing_result`: a tool call without a result; it got one, real if known, else saying that it was cancelled.
   * - `misplaced_result`: a result that did not directly follow its call; it was moved there.
   * - `orphan_result`, `duplicate_result`: a result without a call, or a second one; removed.
   * - `invalid_call`: a call whose arguments are not JSON; removed from its message.
   * - `empty_message`: an answer without content, removed, or a question without content, which got a placeholder.
   * - `first_not_user`: the history began with an answer; a short user message was put before it.
   */
  kind:
    | "missing_result"
    | "misplaced_result"
    | "orphan_result"
    | "duplicate_result"
    | "invalid_call"
    | "empty_message"
    | "first_not_user";
  messageId?: string;
  toolCallId?: string;
}

/** A repaired history. */
export interface HistoryRepair {
  /** The whole history, acceptable to every provider. Messages that were fine are the same objects. */
  messages: BaseMessage[];
  /**
   * What to write to a messages channel (with LangGraph's messages reducer) to bring it there: nothing if all was well; new
   * results alone where they belong at the end; a replacement of all messages only where something must be inserted before others.
   */
  update: BaseMessage[];
  problems: HistoryProblem[];
}

/** How to repair. */
export interface HistoryRepairOptions {
  /** Results that exist outside the history, for example in a checkpoint's pending writes; used before any is made up. */
  knownResults?: ToolMessage[];
  /** Text of a made-up result. @default a sentence saying that the call was cancelled and its outcome is unknown */
  cancelledText?: string;
  /**
   * `user`: the first message after system messages must come from the user, as Anthropic demands; for what is sent to a model.
   * `any`: leave the beginning as it is; for what is kept. @default "any"
   */
  firstMessage?: "any" | "user";
}

const defaultCancelledText =
  "This tool call was cancelled before it reported a result. It may or may not have taken effect; check before doing it again.";
const openingText = "(The conversation begins with your message.)";

/** Whether a tool result was made up by {@link repairHistory}. */
export function isCancelledResult(message: BaseMessage): boolean {
  return isTool(message) && message.additional_kwargs.cancelled === true;
}

/**
 * Repairs a history so that OpenAI and Anthropic accept it: each tool call is directly followed by exactly one result, no result
 * stands alone, no call has unreadable arguments, no message is empty. Pure; the same input gives the same output (made-up
 * results have ids derived from their calls), so a prompt prefix stays the same from call to call. Repairing twice changes nothing.
 *
 * Not covered: the same tool call id used in two answers, and histories cut inside a turn that begins with a system message.
 */
export function repairHistory(messages: BaseMessage[], options: HistoryRepairOptions = {}): HistoryRepair {
  const problems: HistoryProblem[] = [];
  const cleaned = messages.flatMap((message) => cleanMessage(message, problems));
  const paired = pairResults(cleaned, options, problems);
  const repaired = options.firstMessage === "user" ? withUserFirst(paired, problems) : paired;
  return { messages: repaired, update: problems.length > 0 ? updateFor(messages, repaired) : [], problems };
}

function cleanMessage(message: BaseMessage, problems: HistoryProblem[]): BaseMessage[] {
  if (hasInvalidCalls(message)) {
    for (const call of message.invalid_tool_calls!) {
      problems.push({ kind: "invalid_call", messageId: message.id, toolCallId: call.id });
    }
    return [withoutInvalidCalls(message)];
  }
  if (isAi(message) && isBlank(message) && toolCallIds(message).length === 0) {
    problems.push({ kind: "empty_message", messageId: message.id });
    return [];
  }
  if (isHuman(message) && isBlank(message)) {
    problems.push({ kind: "empty_message", messageId: message.id });
    return [withPlaceholder(message)];
  }
  return [message];
}

function pairResults(
  messages: BaseMessage[],
  options: HistoryRepairOptions,
  problems: HistoryProblem[],
): BaseMessage[] {
  const placed = new Set<BaseMessage>();
  const paired: BaseMessage[] = [];
  const resultsById = new Map<string, ToolMessage[]>();
  for (const message of messages) {
    if (!isTool(message)) continue;
    const results = resultsById.get(message.tool_call_id);
    if (results) results.push(message);
    else resultsById.set(message.tool_call_id, [message]);
  }
  for (const [at, message] of messages.entries()) {
    if (isTool(message)) continue;
    paired.push(message);
    if (toolCallIds(message).length === 0) continue;
    for (const result of resultsFor(messages, at, resultsById, options, problems)) {
      placed.add(result);
      paired.push(result);
    }
  }
  const called = new Set(messages.flatMap(toolCallIds));
  for (const message of messages) {
    if (!isTool(message) || placed.has(message)) continue;
    const kind = called.has(message.tool_call_id) ? "duplicate_result" : "orphan_result";
    problems.push({ kind, messageId: message.id, toolCallId: message.tool_call_id });
  }
  return paired;
}

/** One result per call: those that already follow the call in their order, then the others in the order of the calls. */
function resultsFor(
  messages: BaseMessage[],
  callsAt: number,
  resultsById: Map<string, ToolMessage[]>,
  options: HistoryRepairOptions,
  problems: HistoryProblem[],
): ToolMessage[] {
  const following = directResults(messages, callsAt);
  const chosen = new Map<string, ToolMessage>();
  for (const id of toolCallIds(messages[callsAt]!)) {
    const candidates = resultsById.get(id) ?? [];
    const real = candidates.find((candidate) => !isCancelledResult(candidate));
    const known = options.knownResults?.find((result) => result.tool_call_id === id);
    const result = real ?? known ?? candidates[0] ?? cancelledResult(messages[callsAt] as AIMessage, id, options);
    if (candidates.length === 0)
      problems.push({ kind: "missing_result", messageId: messages[callsAt]!.id, toolCallId: id });
    else if (!following.includes(result))
      problems.push({ kind: "misplaced_result", messageId: result.id, toolCallId: id });
    chosen.set(id, result);
  }
  const inOrder = following.filter((result) => chosen.get(result.tool_call_id) === result);
  const others = [...chosen.values()].filter((result) => !inOrder.includes(result));
  return [...inOrder, ...others];
}

function directResults(messages: BaseMessage[], callsAt: number): ToolMessage[] {
  const results: ToolMessage[] = [];
  for (let at = callsAt + 1; at < messages.length; at++) {
    const message = messages[at]!;
    if (!isTool(message)) break;
    results.push(message);
  }
  return results;
}

function cancelledResult(message: AIMessage, id: string, options: HistoryRepairOptions): ToolMessage {
  const call = message.tool_calls!.find((candidate) => candidate.id === id)!;
  return new ToolMessage({
    id: `cancelled-${id}`,
    name: call.name,
    tool_call_id: id,
    content: options.cancelledText ?? defaultCancelledText,
    status: "error",
    additional_kwargs: { cancelled: true },
  });
}

function withUserFirst(messages: BaseMessage[], problems: HistoryProblem[]): BaseMessage[] {
  const firstAt = messages.findIndex((message) => !isSystem(message));
  const first = messages[firstAt];
  if (!first || isHuman(first)) return messages;
  problems.push({ kind: "first_not_user", messageId: first.id });
  const opening = new HumanMessage({ id: "opening", content: openingText });
  return [...messages.slice(0, firstAt), opening, ...messages.slice(firstAt)];
}

function updateFor(before: BaseMessage[], after: BaseMessage[]): BaseMessage[] {
  const everything = [new RemoveMessage({ id: REMOVE_ALL_MESSAGES }), ...after];
  if ([...before, ...after].some((message) => message.id === undefined)) return everything;
  const afterById = new Map(after.map((message) => [message.id, message]));
  const beforeById = new Map(before.map((message) => [message.id, message]));
  const kept = before.filter((message) => afterById.has(message.id)).map((message) => message.id);
  const isSameOrder = kept.every((id, index) => after[index]!.id === id);
  const hasSharedIds = afterById.size < after.length || beforeById.size < before.length;
  if (!isSameOrder || hasSharedIds) return everything;
  const removed = before
    .filter((message) => !afterById.has(message.id))
    .map((message) => new RemoveMessage({ id: message.id! }));
  const written = after.filter((message) => beforeById.get(message.id) !== message);
  return [...removed, ...written];
}
