// Messages as compact JSON trees and back, without LangChain's asynchronous reviver; recognised by shape, because graphs may bring their own copy of the library.
import {
  AIMessage,
  AIMessageChunk,
  ChatMessage,
  ChatMessageChunk,
  FunctionMessage,
  FunctionMessageChunk,
  HumanMessage,
  HumanMessageChunk,
  RemoveMessage,
  SystemMessage,
  SystemMessageChunk,
  ToolMessage,
  ToolMessageChunk,
} from "@langchain/core/messages";

/** Key that marks an encoded message; its value names the class. */
export const MESSAGE_KEY = "$message";
/** Suffix of the class name when fields of the message hold markers that must be revived. */
const REVIVE_SUFFIX = "!";

const MESSAGE_SYMBOL = Symbol.for("langchain.message");

/** What every message of any copy of the library has. */
export interface MessageLike {
  readonly type?: string;
  readonly lc_kwargs: Record<string, unknown>;
  readonly [field: string]: unknown;
}

/** An encoded message: `$message` and its fields. */
export type MessageTree = Record<string, unknown>;

// biome-ignore lint/suspicious/noExplicitAny: the constructors share no usable parameter type; each gets the fields of its own message.
type MessageClass = new (fields: any) => object;

const CLASSES: Record<string, MessageClass> = {
  human: HumanMessage,
  ai: AIMessage,
  system: SystemMessage,
  tool: ToolMessage,
  function: FunctionMessage,
  generic: ChatMessage,
  remove: RemoveMessage,
  "human+": HumanMessageChunk,
  "ai+": AIMessageChunk,
  "system+": SystemMessageChunk,
  "tool+": ToolMessageChunk,
  "function+": FunctionMessageChunk,
  "generic+": ChatMessageChunk,
};

/** Fields stored when present; empty ones are left out, as constructors fill them in. */
const FIELDS = [
  "id",
  "name",
  "content",
  "additional_kwargs",
  "response_metadata",
  "tool_calls",
  "invalid_tool_calls",
  "tool_call_chunks",
  "usage_metadata",
  "tool_call_id",
  "artifact",
  "status",
  "metadata",
  "role",
] as const;
const KNOWN_FIELDS = new Set<string>([...FIELDS, "contentBlocks", "content_blocks", MESSAGE_KEY]);

/** Whether a value is a message of any copy of the library. */
export function isMessage(value: object): value is MessageLike {
  const candidate = value as Record<PropertyKey, unknown>;
  return (
    (candidate[MESSAGE_SYMBOL] === true || typeof candidate._getType === "function") &&
    typeof candidate.lc_kwargs === "object" &&
    candidate.lc_kwargs !== null
  );
}

/** Turns a nested field into a tree, telling whether it needs reviving; `undefined` when it cannot be told from markers. */
export type FieldEncoder = (field: object) => { tree: unknown; isMarked: boolean } | undefined;

/** The tree of a message, or `undefined` for a class this codec does not know. */
export function encodeMessage(message: MessageLike, encodeField: FieldEncoder): MessageTree | undefined {
  const tag = classTag(message);
  if (tag === undefined) return undefined;
  const tree: MessageTree = { [MESSAGE_KEY]: tag };
  let isMarked = false;
  const keep = (field: string, value: unknown): boolean => {
    if (value === undefined || isEmptyDefault(field, value)) return true;
    if (typeof value !== "object" || value === null) {
      tree[field] = value;
      return true;
    }
    const encoded = encodeField(value);
    if (encoded === undefined) return false;
    tree[field] = encoded.tree;
    isMarked ||= encoded.isMarked;
    return true;
  };
  for (const field of FIELDS) if (!keep(field, message[field])) return undefined;
  for (const field in message.lc_kwargs) {
    if (KNOWN_FIELDS.has(field)) continue;
    if (!keep(field, field in message ? message[field] : message.lc_kwargs[field])) return undefined;
  }
  if (isMarked) tree[MESSAGE_KEY] = tag + REVIVE_SUFFIX;
  return tree;
}

/**
 * The message of a tree. Fields are copied by `copyField`, so that the tree can be kept and revived again.
 * @param reviveField copies a field that may hold markers.
 */
export function reviveMessage(
  tree: MessageTree,
  copyField: (field: unknown) => unknown,
  reviveField: (field: unknown) => unknown,
): object {
  const mark = tree[MESSAGE_KEY] as string;
  const isMarked = mark.endsWith(REVIVE_SUFFIX);
  const tag = isMarked ? mark.slice(0, -REVIVE_SUFFIX.length) : mark;
  const copy = isMarked ? reviveField : copyField;
  const Class = CLASSES[tag];
  if (Class === undefined) throw new Error(`A stored message has the unknown class "${tag}".`);
  const fields: Record<string, unknown> = {};
  for (const field in tree) {
    if (field === MESSAGE_KEY) continue;
    const value = tree[field];
    fields[field] = typeof value === "object" ? copy(value) : value;
  }
  if (tag === "ai" || tag === "ai+") {
    // Without these the constructor would parse provider-specific tool calls again.
    fields.tool_calls ??= [];
    fields.invalid_tool_calls ??= [];
  }
  const invalidToolCalls = fields.invalid_tool_calls as unknown[] | undefined;
  const message = new Class(fields);
  if (tag === "ai+" && invalidToolCalls !== undefined && invalidToolCalls.length > 0) {
    // The chunk's constructor drops them when there are no chunks to derive them from.
    (message as { invalid_tool_calls: unknown }).invalid_tool_calls = invalidToolCalls;
  }
  return message;
}

function classTag(message: MessageLike): string | undefined {
  const type =
    typeof message.type === "string" ? message.type : (message as unknown as { _getType(): string })._getType?.();
  const Class = message.constructor as { lc_name?: () => string };
  const tag = Class.lc_name?.().endsWith("Chunk") === true ? `${type}+` : `${type}`;
  return Object.hasOwn(CLASSES, tag) ? tag : undefined;
}

function isEmptyDefault(field: string, value: unknown): boolean {
  switch (field) {
    case "additional_kwargs":
    case "response_metadata":
      for (const _ in value as object) return false;
      return true;
    case "tool_calls":
    case "invalid_tool_calls":
    case "tool_call_chunks":
      return Array.isArray(value) && value.length === 0;
    default:
      return false;
  }
}
