// Values as JSON trees: plain JSON as it is, the few other shapes LangGraph stores as marked records, everything else refused (and left to the serializer).
import { DeltaSnapshot } from "@langchain/langgraph-checkpoint";
import {
  encodeMessage,
  isMessage,
  MESSAGE_KEY,
  type MessageLike,
  type MessageTree,
  reviveMessage,
} from "./message-codec.ts";

/** Key that marks a list kept as items; its value is the index among the lists of the stored value. */
export const LIST_KEY = "$list";
const BYTES_KEY = "$bytes";
/** LangGraph's own records (`lc: 1`, `lc: 2`) look like this; user data that does is left to the serializer. */
const LC_KEY = "lc";
/** Deeper values are left to the serializer, which also copes with cycles. */
const DEPTH_MAX = 60;

/** Says that a value cannot be a tree. */
export const OPAQUE = Symbol("opaque");

/** How trees are made. */
export interface TreeContext {
  /** Set when the tree holds markers and must be revived. */
  isMarked: boolean;
  /** Whether the records that the default serializer makes of `Send` and `DeltaSnapshot` may be made here. */
  readonly hasLangGraphRecords: boolean;
  /** Puts an array of messages into items and returns its index; `undefined` keeps it in the tree. */
  referToList?(messages: unknown[]): number | undefined;
  /** Inside a message: JSON's own rules for what is not JSON, as the default serializer ends up with. */
  readonly isInMessage?: boolean;
}

/** The tree of a value, or OPAQUE. Shares structure with the value: turn it into text before the value can change. */
export function toTree(value: unknown, context: TreeContext, depth = 0): unknown {
  if (typeof value !== "object") return primitiveToTree(value, context);
  if (value === null) return null;
  if (depth > DEPTH_MAX) return OPAQUE;
  if (Array.isArray(value)) return arrayToTree(value, context, depth);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null)
    return recordToTree(value as Record<string, unknown>, context, depth);
  return instanceToTree(value, prototype, context, depth);
}

function primitiveToTree(value: unknown, context: TreeContext): unknown {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "undefined":
      if (context.isInMessage === true) return undefined;
      context.isMarked = true;
      return { lc: 2, type: "undefined" };
    default:
      return OPAQUE;
  }
}

function arrayToTree(array: unknown[], context: TreeContext, depth: number): unknown {
  if (context.referToList !== undefined && isMessageList(array)) {
    const index = context.referToList(array);
    if (index !== undefined) {
      context.isMarked = true;
      return { [LIST_KEY]: index };
    }
  }
  let copy: unknown[] | undefined;
  for (let i = 0; i < array.length; i++) {
    const tree = toTree(array[i], context, depth + 1);
    if (tree === OPAQUE) return OPAQUE;
    if (copy !== undefined) copy.push(tree);
    else if (tree !== array[i]) copy = [...array.slice(0, i), tree];
  }
  return copy ?? array;
}

function recordToTree(record: Record<string, unknown>, context: TreeContext, depth: number): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(record)) {
    if (isReservedKey(key, context)) return OPAQUE;
    const value = record[key];
    const tree = toTree(value, context, depth + 1);
    if (tree === OPAQUE) return OPAQUE;
    if (tree === value) continue;
    copy ??= { ...record };
    copy[key] = tree;
  }
  return typeof record.toJSON === "function" ? OPAQUE : (copy ?? record);
}

function isReservedKey(key: string, context: TreeContext): boolean {
  switch (key) {
    case LC_KEY:
      return context.isInMessage !== true;
    case MESSAGE_KEY:
    case LIST_KEY:
    case BYTES_KEY:
    case "__proto__":
      return true;
    default:
      return false;
  }
}

function instanceToTree(value: object, prototype: object, context: TreeContext, depth: number): unknown {
  if (isMessage(value)) {
    const tree = messageToTree(value, context.hasLangGraphRecords);
    if (tree === undefined) return OPAQUE;
    context.isMarked = true;
    return tree;
  }
  if (value instanceof Date) return value.toJSON();
  if (prototype === Uint8Array.prototype) {
    context.isMarked = true;
    return { [BYTES_KEY]: Buffer.from(value as Uint8Array).toString("base64") };
  }
  if (context.isInMessage === true) {
    return typeof (value as { toJSON?: unknown }).toJSON === "function"
      ? OPAQUE
      : recordToTree({ ...value } as Record<string, unknown>, context, depth);
  }
  return context.hasLangGraphRecords ? langGraphRecord(value as Record<string, unknown>, context, depth) : OPAQUE;
}

/** The records that LangGraph's default serializer writes, so that lists inside them can be shared, too. */
function langGraphRecord(value: Record<string, unknown>, context: TreeContext, depth: number): unknown {
  if (value.lg_name === "Send") {
    const send = {
      node: value.node,
      args: value.args,
      ...(value.timeout === undefined ? {} : { timeout: value.timeout }),
    };
    return recordToTree(send, context, depth);
  }
  if (value.lg_name === "DeltaSnapshot") {
    const inner = toTree(value.value, context, depth + 1);
    if (inner === OPAQUE) return OPAQUE;
    context.isMarked = true;
    return { lc: 2, type: "delta_snapshot", value: inner };
  }
  return OPAQUE;
}

/** Whether an array is not empty and holds messages only. */
export function isMessageList(array: unknown[]): array is MessageLike[] {
  if (array.length === 0) return false;
  for (const item of array) if (typeof item !== "object" || item === null || !isMessage(item)) return false;
  return true;
}

/** The tree of a message, or `undefined` if its class or a key in it makes that impossible. */
export function messageToTree(message: MessageLike, hasLangGraphRecords: boolean): MessageTree | undefined {
  return encodeMessage(message, (field) => {
    const context: TreeContext = { isMarked: false, hasLangGraphRecords, isInMessage: true };
    const tree = toTree(field, context, 1);
    if (tree !== OPAQUE) return { tree, isMarked: context.isMarked };
    return undefined;
  });
}

/** Makes the list of an index, when a tree is revived. */
export type ListSource = (index: number) => unknown;

/** A fresh value of a tree; nothing of the tree is handed out, so that it can be kept and revived again. */
export function reviveTree(tree: unknown, listAt: ListSource): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((item) => reviveTree(item, listAt));
  const record = tree as Record<string, unknown>;
  if (MESSAGE_KEY in record) return reviveMessageTree(record);
  if (LIST_KEY in record) return listAt(record[LIST_KEY] as number);
  if (BYTES_KEY in record) return new Uint8Array(Buffer.from(record[BYTES_KEY] as string, "base64"));
  if (record.lc === 2 && record.type === "undefined") return undefined;
  if (record.lc === 2 && record.type === "delta_snapshot") return new DeltaSnapshot(reviveTree(record.value, listAt));
  const revived: Record<string, unknown> = {};
  for (const key in record) revived[key] = reviveTree(record[key], listAt);
  return revived;
}

/** A fresh message of its tree. */
export function reviveMessageTree(tree: MessageTree): object {
  return reviveMessage(tree, copyPlain, reviveNested);
}

function reviveNested(field: unknown): unknown {
  return reviveTree(field, () => {
    throw new Error("A stored message refers to a list.");
  });
}

/** A deep copy of parsed JSON. */
export function copyPlain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copyPlain);
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copyPlain((value as Record<string, unknown>)[key]);
  return copy;
}
