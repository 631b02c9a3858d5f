// What is known about an item that was stored: where it is and what the object looked like, so that it is stored once and changes in place are seen.
import type { MessageLike } from "./message-codec.ts";

/** Where an item is, shared between the object it came from and every list that holds it. */
export interface ItemSlot {
  list: number;
  position: number;
  /** The write that brings it to the database, until it is committed. */
  owner: object | undefined;
}

/** How many of a list's last items are compared to their full depth; earlier ones are compared field by field. */
export const DEEP_CHECK_ITEMS = 16;
/** Leaves compared per message at most. */
const DEEP_CHECK_LEAVES_MAX = 400;

/**
 * A message as it was when it was stored or read. A change in place is seen if it replaces a field, or changes the
 * length of content or tool calls; a change deeper inside (a key of `additional_kwargs`, the text of a content block)
 * is seen in the last DEEP_CHECK_ITEMS messages of a list, where nodes make such changes. Deeper changes of older
 * messages are not seen: graphs should return a changed message, as LangGraph's reducers expect.
 */
export class MessageMemory {
  /** The message's JSON, while it is not stored as an item. */
  text: string | undefined;
  slot: ItemSlot | undefined;
  readonly #content: unknown;
  readonly #contentLength: number;
  readonly #id: unknown;
  readonly #name: unknown;
  readonly #additionalKwargs: unknown;
  readonly #responseMetadata: unknown;
  readonly #toolCalls: unknown;
  readonly #toolCallsLength: number;
  readonly #artifact: unknown;
  readonly #usage: unknown;
  #leaves: unknown[] | undefined;

  constructor(message: MessageLike, isDeep: boolean) {
    this.text = undefined;
    this.slot = undefined;
    this.#content = message.content;
    this.#contentLength = lengthOf(message.content);
    this.#id = message.id;
    this.#name = message.name;
    this.#additionalKwargs = message.additional_kwargs;
    this.#responseMetadata = message.response_metadata;
    this.#toolCalls = message.tool_calls;
    this.#toolCallsLength = lengthOf(message.tool_calls);
    this.#artifact = message.artifact;
    this.#usage = message.usage_metadata;
    this.#leaves = isDeep ? leavesOf(message) : undefined;
  }

  /** Whether the message still looks as it did. */
  matches(message: MessageLike, isDeep: boolean): boolean {
    return (
      this.#content === message.content &&
      this.#id === message.id &&
      this.#name === message.name &&
      this.#additionalKwargs === message.additional_kwargs &&
      this.#responseMetadata === message.response_metadata &&
      this.#toolCalls === message.tool_calls &&
      this.#artifact === message.artifact &&
      this.#usage === message.usage_metadata &&
      this.#contentLength === lengthOf(message.content) &&
      this.#toolCallsLength === lengthOf(message.tool_calls) &&
      (!isDeep || this.#leaves === undefined || hasLeaves(this.#leaves, message))
    );
  }
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

function leavesOf(message: MessageLike): unknown[] {
  const leaves: unknown[] = [];
  for (const field of DEEP_FIELDS) collectLeaves(message[field], leaves);
  return leaves;
}

function hasLeaves(leaves: unknown[], message: MessageLike): boolean {
  const now = leavesOf(message);
  if (now.length !== leaves.length) return false;
  for (let i = 0; i < now.length; i++) if (!Object.is(now[i], leaves[i])) return false;
  return true;
}

const DEEP_FIELDS = [
  "content",
  "additional_kwargs",
  "response_metadata",
  "tool_calls",
  "invalid_tool_calls",
  "artifact",
  "usage_metadata",
  "status",
] as const;

function collectLeaves(value: unknown, leaves: unknown[]): void {
  if (typeof value !== "object" || value === null) {
    leaves.push(value);
    return;
  }
  if (leaves.length > DEEP_CHECK_LEAVES_MAX) return;
  if (Array.isArray(value)) for (const item of value) collectLeaves(item, leaves);
  else
    for (const key in value) {
      leaves.push(key);
      collectLeaves((value as Record<string, unknown>)[key], leaves);
    }
}
