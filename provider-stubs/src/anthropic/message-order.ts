// Anthropic's rules for the order and content of messages and for tools in them.

import type { AnthropicBlock, AnthropicMessage } from "./content-blocks.ts";
import { anthropicError } from "./errors.ts";

/**
 * The rules: at least one message, the first from the user; consecutive messages of one role count as one turn; no empty
 * content but in a last assistant message; no blank text; each tool use is answered in the next turn, whose results come first;
 * no result without its use; blocks of tools only beside defined tools. Two of these are stricter than the API has been seen to
 * be at times (the first role, and tools beside blocks of tools): what passes here passes there.
 * @throws ProviderError in Anthropic's words.
 */
export function checkMessageOrder(messages: AnthropicMessage[], hasTools: boolean): void {
  if (messages.length === 0) throw anthropicError("messages: at least one message is required");
  if (messages[0]!.role !== "user") throw anthropicError('messages: first message must use the "user" role');
  for (const [index, message] of messages.entries()) checkContent(message, index, index === messages.length - 1);
  const usesTools = messages.some((message) =>
    message.blocks.some((part) => part.type === "tool_use" || part.type === "tool_result"),
  );
  if (usesTools && !hasTools) {
    throw anthropicError("Requests which include `tool_use` or `tool_result` blocks must define tools");
  }
  checkToolPairs(mergeTurns(messages));
}

function checkContent({ role, blocks }: AnthropicMessage, index: number, isLast: boolean): void {
  if (blocks.length === 0 && !(isLast && role === "assistant")) {
    throw anthropicError(
      `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  for (const part of blocks) {
    if (part.type === "text" && part.text === "")
      throw anthropicError("messages: text content blocks must be non-empty");
    if (part.type === "text" && part.text.trim() === "") {
      throw anthropicError("messages: text content blocks must contain non-whitespace text");
    }
    if (part.type === "tool_use" && role === "user") {
      throw anthropicError(`messages.${index}: \`tool_use\` blocks can only be in \`assistant\` messages`);
    }
    if (part.type === "tool_result" && role === "assistant") {
      throw anthropicError(`messages.${index}: \`tool_result\` blocks can only be in \`user\` messages`);
    }
  }
  const last = blocks.at(-1);
  if (isLast && role === "assistant" && last?.type === "text" && last.text !== last.text.trimEnd()) {
    throw anthropicError("messages: final assistant content cannot end with trailing whitespace");
  }
}

/** A turn and where it starts in the request. */
interface Turn {
  role: string;
  startsAt: number;
  blocks: AnthropicBlock[];
}

function mergeTurns(messages: AnthropicMessage[]): Turn[] {
  const turns: Turn[] = [];
  for (const [index, { role, blocks }] of messages.entries()) {
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...blocks);
    else turns.push({ role, startsAt: index, blocks: [...blocks] });
  }
  return turns;
}

function checkToolPairs(turns: Turn[]): void {
  const seen = new Set<string>();
  for (const [index, turn] of turns.entries()) {
    const used = usesOf(turns[index - 1]);
    const answered = new Set<string>();
    for (const [at, part] of turn.blocks.entries()) {
      if (part.type === "tool_use") {
        if (seen.has(part.id))
          throw anthropicError(`messages.${turn.startsAt}.content.${at}: \`tool_use\` ids must be unique`);
        seen.add(part.id);
      }
      if (part.type !== "tool_result") continue;
      if (!used.includes(part.tool_use_id)) {
        throw anthropicError(
          `messages.${turn.startsAt}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${part.tool_use_id}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
        );
      }
      if (answered.has(part.tool_use_id)) {
        throw anthropicError(
          `messages.${turn.startsAt}.content.${at}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${part.tool_use_id}`,
        );
      }
      answered.add(part.tool_use_id);
    }
    const firstOther = turn.blocks.findIndex((part) => part.type !== "tool_result");
    const leading = firstOther < 0 ? turn.blocks : turn.blocks.slice(0, firstOther);
    const leadingIds = leading.map((part) => (part.type === "tool_result" ? part.tool_use_id : ""));
    const open = used.filter((id) => !leadingIds.includes(id));
    if (open.length > 0) throw unanswered(open, turns[index - 1]!);
  }
  const lastTurn = turns.at(-1);
  const openAtEnd = usesOf(lastTurn);
  if (openAtEnd.length > 0) throw unanswered(openAtEnd, lastTurn!);
}

function usesOf(turn: Turn | undefined): string[] {
  return turn?.blocks.flatMap((part) => (part.type === "tool_use" ? [part.id] : [])) ?? [];
}

function unanswered(ids: string[], turn: Turn) {
  return anthropicError(
    `messages.${turn.startsAt}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
  );
}
