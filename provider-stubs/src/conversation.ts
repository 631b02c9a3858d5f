// A request for an answer in one shape for all providers, so that scripts, default answers and counting are written once.
import { countTokens, messageOverheadTokens, promptOverheadTokens } from "./token-rule.ts";

/** A JSON schema as sent by a client. */
export type JsonSchema = Record<string, unknown>;

/** A tool call inside an assistant message; `args` is the JSON text. */
export interface StubToolCall {
  id: string;
  name: string;
  args: string;
}

/** A message as every provider's format can be read. One tool result is one message. */
export interface StubMessage {
  role: "system" | "user" | "assistant" | "tool";
  text: string;
  toolCalls?: StubToolCall[];
  /** For role `tool`: the call it answers (Ollama has no ids; there it is the tool's name or absent). */
  toolCallId?: string;
}

/** A tool the client offers. */
export interface StubTool {
  name: string;
  description?: string;
  parameters: JsonSchema;
}

/** What the client asks for. */
export interface Conversation {
  model: string;
  messages: StubMessage[];
  tools: StubTool[];
  toolChoice: "auto" | "none" | "any" | { name: string };
  /** Schema the answer must follow, if the client asked for one. */
  responseSchema?: JsonSchema;
  /** The client asked for JSON without a schema. */
  wantsJson?: boolean;
  /** Most output tokens, reasoning included. */
  outputTokensMax?: number;
}

/** A piece of the prompt in the order the provider reads it; prompt caches match whole pieces. */
export interface PromptSegment {
  text: string;
  tokens: number;
  /** Anthropic: the client marked the end of this piece with `cache_control`. */
  isCacheBreakpoint?: boolean;
}

/** The pieces of a prompt: tools first, then the messages. The sum of their tokens is the prompt's size. */
export function promptSegments(conversation: Conversation): PromptSegment[] {
  const tools = conversation.tools.map((tool) => segment(JSON.stringify(tool), 0));
  const messages = conversation.messages.map((message) => segment(messageText(message), messageOverheadTokens));
  return withPromptOverhead([...tools, ...messages]);
}

/** A piece of prompt: the tokens of its text plus an overhead. */
export function segment(text: string, overheadTokens: number, isCacheBreakpoint = false): PromptSegment {
  return { text, tokens: countTokens(text) + overheadTokens, isCacheBreakpoint };
}

/** Adds the prompt's own overhead to its first piece. */
export function withPromptOverhead(segments: PromptSegment[]): PromptSegment[] {
  return segments.map((part, index) => (index === 0 ? { ...part, tokens: part.tokens + promptOverheadTokens } : part));
}

/** The number of tokens of a prompt. */
export function sumTokens(segments: PromptSegment[]): number {
  return segments.reduce((sum, part) => sum + part.tokens, 0);
}

function messageText(message: StubMessage): string {
  const calls = (message.toolCalls ?? []).map((call) => `${call.name}${call.args}`);
  return `${message.text}${calls.join("")}`;
}

/** The newest user message's text. */
export function latestUserText(conversation: Conversation): string {
  return conversation.messages.findLast((message) => message.role === "user")?.text ?? "";
}
