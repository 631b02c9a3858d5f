// What the stub will answer, and how it is cut into tokens.
import type { StubToolCall } from "./conversation.ts";
import { countTokens, splitTokens } from "./token-rule.ts";

/** A scripted answer. A plain string stands for `{ text }`. */
export interface StubReply {
  text?: string;
  /** Thinking that goes before the answer; counted as reasoning tokens. */
  reasoning?: string;
  /** Tools to call; `args` may be text, to send arguments that are not JSON. */
  toolCalls?: { id?: string; name: string; args: unknown }[];
}

/** A reply with its ids and its end decided. */
export interface PlannedReply {
  text: string;
  reasoning: string;
  toolCalls: StubToolCall[];
  /** `length`: it was cut off at the client's output limit. */
  ending: "stop" | "tool_calls" | "length";
  tokens: ReplyToken[];
}

/** The smallest thing that is generated and billed. A tool call starts with its name, which costs the name's tokens. */
export type ReplyToken =
  | { kind: "reasoning" | "text"; text: string; cost: number }
  | { kind: "call-start"; index: number; id: string; name: string; cost: number }
  | { kind: "call-args"; index: number; text: string; cost: number };

/**
 * Plans a reply: tokens in the order reasoning, text, tool calls, cut off at the output limit.
 * @param createId makes an id for a tool call that has none.
 */
export function planReply(
  reply: StubReply | string,
  outputTokensMax: number | undefined,
  createId: (index: number) => string,
): PlannedReply {
  const { text = "", reasoning = "", toolCalls = [] } = typeof reply === "string" ? { text: reply } : reply;
  const calls = toolCalls.map((call, index) => ({
    id: call.id ?? createId(index),
    name: call.name,
    args: typeof call.args === "string" ? call.args : JSON.stringify(call.args),
  }));
  const all: ReplyToken[] = [
    ...splitTokens(reasoning).map((piece) => ({ kind: "reasoning" as const, text: piece, cost: 1 })),
    ...splitTokens(text).map((piece) => ({ kind: "text" as const, text: piece, cost: 1 })),
    ...calls.flatMap(callTokens),
  ];
  const tokens = cutOff(all, outputTokensMax);
  const isCut = tokens.length < all.length;
  const joined = (kind: "reasoning" | "text") =>
    tokens.map((token) => (token.kind === kind ? token.text : "")).join("");
  return {
    text: joined("text"),
    reasoning: joined("reasoning"),
    toolCalls: tokens.flatMap((token) => (token.kind === "call-start" ? [remainingCall(token, tokens)] : [])),
    ending: isCut ? "length" : calls.length > 0 ? "tool_calls" : "stop",
    tokens,
  };
}

function callTokens(call: StubToolCall, index: number): ReplyToken[] {
  const start = { kind: "call-start" as const, index, id: call.id, name: call.name, cost: countTokens(call.name) };
  return [start, ...splitTokens(call.args).map((text) => ({ kind: "call-args" as const, index, text, cost: 1 }))];
}

function cutOff(tokens: ReplyToken[], costMax = Number.POSITIVE_INFINITY): ReplyToken[] {
  let cost = 0;
  const end = tokens.findIndex((token) => {
    cost += token.cost;
    return cost > costMax;
  });
  return end < 0 ? tokens : tokens.slice(0, end);
}

function remainingCall(start: { index: number; id: string; name: string }, tokens: ReplyToken[]): StubToolCall {
  const args = tokens.map((token) => (token.kind === "call-args" && token.index === start.index ? token.text : ""));
  return { id: start.id, name: start.name, args: args.join("") };
}
