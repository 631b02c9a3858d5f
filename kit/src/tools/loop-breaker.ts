// Recognises a model that repeats a failing tool call, from the messages alone, so that it works across crashes and resumes.
import type { BaseMessage } from "@langchain/core/messages";
import { newestTurn } from "../context-window/message-groups.ts";
import { isAi, isTool } from "../context-window/message-kinds.ts";

/** A tool call as far as repetition is concerned. */
export interface CallLike {
  id?: string;
  name: string;
  args: unknown;
}

/** Failures in the present turn, that is since the newest user message. */
export interface TurnFailures {
  /** Failed calls of the same tool with the same arguments. */
  sameCallCount: number;
  /** All failed tool calls. */
  allCount: number;
}

/** Counts the failures that came before a call in its turn. Results made up after a cancel count as failures like others. */
export function countFailures(messages: BaseMessage[], call: CallLike): TurnFailures {
  const turn = newestTurn(messages);
  const callsById = new Map(
    turn.flatMap((message) =>
      isAi(message) ? (message.tool_calls ?? []).map((made) => [made.id, made] as const) : [],
    ),
  );
  const failed = turn.flatMap((message) => {
    if (!isTool(message) || message.status !== "error" || message.tool_call_id === call.id) return [];
    const made = callsById.get(message.tool_call_id);
    return made ? [made] : [];
  });
  const key = callKey(call);
  return { sameCallCount: failed.filter((made) => callKey(made) === key).length, allCount: failed.length };
}

/** A call of the same tool that stands before `call` in the same answer of the model. */
export function earlierCallInAnswer(messages: BaseMessage[], call: CallLike): CallLike | undefined {
  for (const message of messages.toReversed()) {
    const calls = isAi(message) ? (message.tool_calls ?? []) : [];
    const at = calls.findIndex(({ id }) => id === call.id);
    if (at >= 0) return calls.slice(0, at).find(({ name }) => name === call.name);
  }
  return undefined;
}

/** Whether two calls ask for the same. */
export function callsAlike(a: CallLike, b: CallLike): boolean {
  return callKey(a) === callKey(b);
}

/** What was done with tools since the newest user message. */
export interface TurnToll {
  /** Answers of the model that called tools. */
  rounds: number;
  /** Failed tool calls. */
  failures: number;
}

/** Counts from the messages alone, so that the bounds hold across crashes and resumes. */
export function countTurn(messages: BaseMessage[]): TurnToll {
  const turn = newestTurn(messages);
  return {
    rounds: turn.filter((message) => isAi(message) && (message.tool_calls?.length ?? 0) > 0).length,
    failures: turn.filter((message) => isTool(message) && message.status === "error").length,
  };
}

/** The same for calls of the same tool with equal arguments, in whatever order their keys were written. */
function callKey(call: CallLike): string {
  return `${call.name}:${canonical(call.args)}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "undefined";
}
