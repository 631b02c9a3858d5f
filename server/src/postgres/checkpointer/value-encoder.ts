// Turns channel values and pending writes into their stored form, giving new list items and large values a place of their own.
import { JsonPlusSerializer, type SerializerProtocol } from "@langchain/langgraph-checkpoint";
import { DEEP_CHECK_ITEMS, type MessageMemory } from "./item-memory.ts";
import { cheapestMerge, pushPosition, SEGMENTS_MAX, type Segment } from "./list-segments.ts";
import type { MessageLike } from "./message-codec.ts";
import { ITEM, LIST, MARKED, PLAIN, SERIALIZED, type StoredValue } from "./stored-checkpoint.ts";
import type { ThreadSession } from "./thread-session.ts";
import { isMessageList, messageToTree, OPAQUE, type TreeContext, toTree } from "./value-tree.ts";
import type { WriteOp } from "./write-op.ts";

/** Values up to this many characters stay in the checkpoint's row; larger ones are stored once per version. */
export const INLINE_CHARS_MAX = 512;
/** Lists of messages up to this many characters stay in the row while the thread keeps no list as items yet. */
const INLINE_LIST_CHARS_MAX = 1024;
/** Other lists become items if an element takes at least this many characters on average; a row costs about as much. */
const ITEM_CHARS_MIN = 24;

/** First characters of item texts that are not plain JSON. */
export const MARKED_PREFIX = "m";
export const SERIALIZED_PREFIX = "s";

/** Where a value goes: pending writes keep large values in their row. */
export type ValueTarget = "checkpoint" | "write";

export class ValueEncoder {
  readonly #session: ThreadSession;
  readonly #op: WriteOp;
  readonly #serde: SerializerProtocol;
  readonly #hasLangGraphRecords: boolean;
  readonly #mayPlace: boolean;
  /** Work of the asynchronous serializer; wait for it before the operation is sent. */
  readonly waits: Promise<void>[] = [];

  /**
   * @param mayPlace whether new messages may become items now. Not while the checkpoint before them is still to be
   *   stored: its messages come first in the list.
   */
  constructor(session: ThreadSession, op: WriteOp, serde: SerializerProtocol, mayPlace = true) {
    this.#session = session;
    this.#mayPlace = mayPlace;
    this.#op = op;
    this.#serde = serde;
    this.#hasLangGraphRecords = Object.getPrototypeOf(serde) === JsonPlusSerializer.prototype;
  }

  /**
   * The stored form of a value. A promise only for values that need the serializer.
   * @param previous the channel's value in the parent checkpoint, whose items are used again where they are the same.
   */
  encode(value: unknown, target: ValueTarget, previous?: StoredValue): StoredValue | Promise<StoredValue> {
    if (Array.isArray(value) && isMessageList(value))
      return (target === "write" ? this.#inlineMessages(value) : undefined) ?? this.#encodeMessages(value);
    if (target === "write" && this.#session.hasItems && isMessageList([value]) && !this.#staysInline([value]))
      return { ...this.#encodeMessages([value as MessageLike]), kind: ITEM };
    const lists: Segment[][] = [];
    const context: TreeContext = {
      isMarked: false,
      hasLangGraphRecords: this.#hasLangGraphRecords,
      referToList: (messages) => {
        if (this.#staysInline(messages)) return undefined;
        const stored = this.#encodeMessages(messages as MessageLike[]);
        return stored.kind === LIST ? lists.push(stored.lists[0] as Segment[]) - 1 : undefined;
      },
    };
    const tree = toTree(value, context);
    if (tree === OPAQUE) return this.#serialize(value, target);
    const text = JSON.stringify(tree);
    const kind = context.isMarked ? MARKED : PLAIN;
    if (text.length <= INLINE_CHARS_MAX || target === "write" || lists.length > 0)
      return { kind, text, tree: undefined, lists };
    if (Array.isArray(value) && text.length >= value.length * ITEM_CHARS_MIN)
      return this.#encodeElements(value, previous);
    return this.#storeValue(kind === MARKED ? MARKED_PREFIX + text : text);
  }

  /**
   * Whether messages are all new and better not items yet: because they would take places before earlier ones, or have
   * no id, which LangGraph's reducer is about to give them, so that they would be stored again a moment later.
   */
  #staysInline(messages: unknown[]): boolean {
    let isUnnamed = false;
    for (const message of messages as MessageLike[]) {
      if (this.#session.recall(message, false)?.slot !== undefined) return false;
      isUnnamed ||= message.id === undefined || message.id === null;
    }
    return isUnnamed || !this.#mayPlace;
  }

  #inlineMessages(messages: MessageLike[]): StoredValue | undefined {
    if (!this.#staysInline(messages)) return undefined;
    const texts = messages.map((message) => this.#recall(message, true).text);
    if (texts.includes(undefined)) return undefined;
    return { kind: MARKED, text: `[${texts.join(",")}]`, tree: undefined, lists: [] };
  }

  /** A large value as an item of its own. */
  #storeValue(text: string): StoredValue {
    const { slot } = this.#session.appendValue(this.#op, text);
    const segment = { list: slot.list, from: slot.position, to: slot.position + 1 };
    return { kind: ITEM, text: "", tree: undefined, lists: [[segment]] };
  }

  async #serialize(value: unknown, target: ValueTarget): Promise<StoredValue> {
    const text = await serializeToText(this.#serde, value);
    if (text.length <= INLINE_CHARS_MAX || target === "write")
      return { kind: SERIALIZED, text, tree: undefined, lists: [] };
    return this.#storeValue(SERIALIZED_PREFIX + text);
  }

  #encodeMessages(messages: MessageLike[]): StoredValue {
    const deepFrom = messages.length - DEEP_CHECK_ITEMS;
    const memories = messages.map((message, index) => this.#recall(message, index >= deepFrom));
    if (!this.#session.hasItems) {
      const text = inlineText(memories);
      if (text !== undefined) return { kind: MARKED, text, tree: undefined, lists: [] };
    }
    let segments = this.#placeMessages(messages, memories);
    if (segments.length > SEGMENTS_MAX) {
      const { from, to } = cheapestMerge(segments);
      for (let i = from; i < to; i++) memories[i] = this.#write(messages[i] as MessageLike, false);
      segments = this.#placeMessages(messages, memories);
    }
    return { kind: LIST, text: "", tree: undefined, lists: [segments] };
  }

  #placeMessages(messages: MessageLike[], memories: MessageMemory[]): Segment[] {
    const segments: Segment[] = [];
    for (let i = 0; i < memories.length; i++) {
      const memory = memories[i] as MessageMemory;
      if (memory.slot === undefined) this.#appendMessage(messages[i] as MessageLike, memory);
      const slot = memory.slot as NonNullable<MessageMemory["slot"]>;
      if (slot.owner !== undefined && slot.owner !== this.#op) this.#op.dependencies.add(slot.owner as WriteOp);
      pushPosition(segments, slot.list, slot.position);
    }
    return segments;
  }

  #appendMessage(message: MessageLike, memory: MessageMemory): void {
    const item = this.#session.append(this.#op, memory.text ?? "");
    if (memory.text === undefined) {
      // A class this codec does not know: left to the serializer.
      const serialized = serializeToText(this.#serde, message).then((text) => {
        item.text = SERIALIZED_PREFIX + text;
      });
      this.waits.push(serialized);
    }
    memory.slot = item.slot;
    memory.text = undefined;
  }

  #recall(message: MessageLike, isDeep: boolean): MessageMemory {
    return this.#session.recall(message, isDeep) ?? this.#write(message, isDeep);
  }

  #write(message: MessageLike, isDeep: boolean): MessageMemory {
    const memory = this.#session.remember(message, isDeep);
    const tree = messageToTree(message, this.#hasLangGraphRecords);
    memory.text = tree === undefined ? undefined : JSON.stringify(tree);
    return memory;
  }

  /** A list of anything else: elements are the same if their text is. */
  #encodeElements(elements: unknown[], previous: StoredValue | undefined): StoredValue {
    const texts = elements.map((element) => {
      const context = { isMarked: false, hasLangGraphRecords: this.#hasLangGraphRecords };
      const text = JSON.stringify(toTree(element, context));
      return context.isMarked ? MARKED_PREFIX + text : text;
    });
    const known = previous?.kind === LIST ? this.#knownElements(previous.lists[0] as Segment[]) : [];
    const segments: Segment[] = [];
    let at = 0;
    for (const text of texts) {
      const found = findFrom(known, at, text);
      const place = found === undefined ? this.#session.append(this.#op, text).slot : (known[found] as KnownElement);
      pushPosition(segments, place.list, place.position);
      if (found !== undefined) at = found + 1;
    }
    if (segments.length > SEGMENTS_MAX) return this.#encodeElements(elements, undefined);
    return { kind: LIST, text: "", tree: undefined, lists: [segments] };
  }

  #knownElements(segments: Segment[]): KnownElement[] {
    const known: KnownElement[] = [];
    for (const { list, from, to } of segments)
      for (let position = from; position < to; position++) {
        const text = this.#session.entry.items.get(list, position);
        if (typeof text !== "string") return [];
        known.push({ list, position, text });
      }
    return known;
  }
}

interface KnownElement {
  readonly list: number;
  readonly position: number;
  readonly text: string;
}

/** How far ahead an element is looked for: enough for a few removed ones, and bounded. */
const LOOK_AHEAD_MAX = 64;

/** The index at or soon after `at` of an element with this text. */
function findFrom(known: readonly KnownElement[], at: number, text: string): number | undefined {
  const end = Math.min(known.length, at + LOOK_AHEAD_MAX);
  for (let i = at; i < end; i++) if ((known[i] as KnownElement).text === text) return i;
  return undefined;
}

/** Messages as JSON in the row, if they are few and none is stored as an item. */
function inlineText(memories: readonly MessageMemory[]): string | undefined {
  let size = 0;
  for (const { text } of memories) {
    if (text === undefined) return undefined;
    size += text.length;
    if (size > INLINE_LIST_CHARS_MAX) return undefined;
  }
  return `[${memories.map(({ text }) => text).join(",")}]`;
}

async function serializeToText(serde: SerializerProtocol, value: unknown): Promise<string> {
  const [type, bytes] = await serde.dumpsTyped(value);
  const payload = type === "json" ? Buffer.from(bytes).toString("utf8") : Buffer.from(bytes).toString("base64");
  return JSON.stringify([type, payload]);
}

/** What `serializeToText` wrote. */
export async function deserialize(serde: SerializerProtocol, pair: readonly [string, string]): Promise<unknown> {
  const [type, payload] = pair;
  return serde.loadsTyped(type, type === "json" ? payload : new Uint8Array(Buffer.from(payload, "base64")));
}
