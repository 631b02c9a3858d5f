// A message that is handed out again at the next read: making thousands of objects anew costs a long thread's turn more than all else.
import type { MessageMemory } from "./item-memory.ts";
import type { MessageLike } from "./message-codec.ts";

/** Keys and values a shared message may have; larger ones are made anew each time. */
const LEAVES_MAX = 200;
const DEPTH_MAX = 12;
/** What a shared message costs beside its text, roughly: the object, its leaves, and the JSON that clients are sent. */
const SHARED_OVERHEAD_BYTES = 1_500;

/** An object that was handed out, and everything in it as it was then. */
export class SharedMessage {
  readonly message: MessageLike;
  readonly memory: MessageMemory;
  readonly bytes: number;
  /** Keys and values of the message itself, one after the other. */
  readonly #fields: readonly unknown[];
  /** Keys and values of its `lc_kwargs`. */
  readonly #kwargs: readonly unknown[];
  /** The objects among the values, each once, and everything in them. */
  readonly #parts: readonly object[];
  readonly #leaves: readonly (readonly unknown[])[];

  /** @param leaves everything in `parts` */
  private constructor(message: MessageLike, memory: MessageMemory, parts: Set<object>, leaves: unknown[][]) {
    this.message = message;
    this.memory = memory;
    this.#fields = entriesOf(message);
    this.#kwargs = entriesOf(message.lc_kwargs);
    this.#parts = [...parts];
    this.#leaves = leaves;
    this.bytes = SHARED_OVERHEAD_BYTES + (typeof message.content === "string" ? message.content.length : 0);
  }

  /** @returns `undefined` for a message without an id, which LangGraph would give it in place, or too large to be compared. */
  static of(message: MessageLike, memory: MessageMemory): SharedMessage | undefined {
    if (typeof message.id !== "string") return undefined;
    const parts = new Set<object>();
    for (const record of [message, message.lc_kwargs])
      for (const value of entriesOf(record))
        if (typeof value === "object" && value !== null && value !== message.lc_kwargs) parts.add(value);
    const all: unknown[][] = [];
    let count = 0;
    for (const part of parts) {
      const leaves: unknown[] = [];
      if (!collectLeaves(part, leaves, 0)) return undefined;
      count += leaves.length;
      all.push(leaves);
    }
    return count > LEAVES_MAX ? undefined : new SharedMessage(message, memory, parts, all);
  }

  /** Whether whoever had it left it as it was, down to every field: only then may others see it. */
  get isUntouched(): boolean {
    if (!hasEntries(this.message, this.#fields) || !hasEntries(this.message.lc_kwargs, this.#kwargs)) return false;
    for (let i = 0; i < this.#parts.length; i++) {
      const leaves = this.#leaves[i] as readonly unknown[];
      if (matchLeaves(this.#parts[i] as object, leaves, 0) !== leaves.length) return false;
    }
    return true;
  }
}

function entriesOf(record: object): unknown[] {
  const entries: unknown[] = [];
  for (const key in record) entries.push(key, (record as Record<string, unknown>)[key]);
  return entries;
}

function hasEntries(record: object, entries: readonly unknown[]): boolean {
  let at = 0;
  for (const key in record) {
    if (entries[at] !== key || entries[at + 1] !== (record as Record<string, unknown>)[key]) return false;
    at += 2;
  }
  return at === entries.length;
}

function collectLeaves(record: object, leaves: unknown[], depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  for (const key in record) {
    const value = (record as Record<string, unknown>)[key];
    leaves.push(key);
    if (typeof value !== "object" || value === null) leaves.push(value);
    else {
      leaves.push(Array.isArray(value));
      if (!collectLeaves(value, leaves, depth + 1)) return false;
      // Ends the object, or a key could move from it to the one around it unseen.
      leaves.push(leaves.length);
    }
    if (leaves.length > LEAVES_MAX) return false;
  }
  return true;
}

/** Walks as `collectLeaves` does. @returns the place after the last leaf that was met, or -1 */
function matchLeaves(record: object, leaves: readonly unknown[], from: number): number {
  let at = from;
  for (const key in record) {
    const value = (record as Record<string, unknown>)[key];
    if (at >= leaves.length || leaves[at++] !== key) return -1;
    if (typeof value !== "object" || value === null) {
      if (leaves[at++] !== value) return -1;
      continue;
    }
    if (leaves[at++] !== Array.isArray(value)) return -1;
    at = matchLeaves(value, leaves, at);
    if (at < 0 || leaves[at] !== at) return -1;
    at++;
  }
  return at;
}
