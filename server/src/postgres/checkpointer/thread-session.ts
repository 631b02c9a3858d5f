// What one saver knows of one thread while it works on it: where objects are stored, where new items go, which checkpoints it has read or written.
import type { ThreadEntry } from "./cache.ts";
import { type ItemSlot, MessageMemory } from "./item-memory.ts";
import { mintListId, pushPosition, type Segment } from "./list-segments.ts";
import type { MessageLike } from "./message-codec.ts";
import type { StoredCheckpoint, StoredWriteGroup } from "./stored-checkpoint.ts";
import type { NewItem, WriteOp } from "./write-op.ts";

/** Checkpoints remembered per session, as parents of later ones. */
const CHECKPOINTS_MAX = 32;

interface ListEnd {
  list: number;
  next: number;
}

/** The newest checkpoint of a namespace with its pending writes, as far as this session knows. */
export interface KnownHead {
  readonly stored: StoredCheckpoint;
  /** By task and index; a Map keeps one write per key. */
  readonly writes: Map<string, StoredWriteGroup>;
}

export class ThreadSession {
  readonly threadId: string;
  readonly entry: ThreadEntry;
  /** Heads read or written by this session. In a fenced run they stay true, since nobody else writes. */
  readonly heads = new Map<string, KnownHead>();
  /** Writes of a checkpoint whose own put is still under way: LangGraph does not wait for it. */
  readonly #earlyWrites = new Map<string, { checkpointId: string; writes: KnownHead["writes"] }>();
  #objects = new WeakMap<object, MessageMemory>();
  #tail: ListEnd | undefined;
  #valueTail: ListEnd | undefined;
  readonly #checkpoints = new Map<string, StoredCheckpoint>();
  /** By namespace the last checkpoint that was given places. */
  readonly #placed = new Map<string, string>();
  readonly #pending = new Set<WriteOp>();
  readonly #isFenced: boolean;
  readonly #own = new WeakSet<StoredCheckpoint>();

  constructor(threadId: string, entry: ThreadEntry, options: { isFenced: boolean }) {
    this.threadId = threadId;
    this.entry = entry;
    this.#isFenced = options.isFenced;
  }

  /** Whether the thread keeps lists as items already. */
  get hasItems(): boolean {
    return this.#tail !== undefined;
  }

  /** What is known of a message, if it still looks as it did. */
  recall(message: MessageLike, isDeep: boolean): MessageMemory | undefined {
    const memory = this.#objects.get(message);
    return memory?.matches(message, isDeep) === true ? memory : undefined;
  }

  /** Remembers a message as it is now. */
  remember(message: MessageLike, isDeep: boolean): MessageMemory {
    const memory = new MessageMemory(message, isDeep);
    this.#objects.set(message, memory);
    return memory;
  }

  /** Takes over what is known of a message that was handed out before. */
  adopt(message: MessageLike, memory: MessageMemory): void {
    this.#objects.set(message, memory);
  }

  /**
   * Forgets where objects are: someone else may have removed items since. Objects read from now on are remembered anew,
   * and those that only a caller still holds are stored again if they come back.
   */
  forgetObjects(): void {
    this.#objects = new WeakMap();
    this.#tail = undefined;
    this.#checkpoints.clear();
    this.heads.clear();
  }

  /** Appends to this list, which ends at `next` as the database says, unless another one is open. */
  continueList(list: number, next: number): void {
    this.#tail ??= { list, next };
    this.avoid([{ list, from: 0, to: next }]);
  }

  /** Items that others stored: new ones never get their places. */
  avoid(segments: readonly Segment[]): void {
    for (const { list, to } of segments)
      for (const end of [this.#tail, this.#valueTail])
        if (end !== undefined && end.list === list && end.next < to) end.next = to;
  }

  /** A checkpoint that this session has written. */
  noteOwn(stored: StoredCheckpoint): void {
    this.#own.add(stored);
  }

  /**
   * Whether a checkpoint is newer than another of this id. Ids compare only between checkpoints of one clock: under a fence what
   * this session writes is newer than whatever it has read, however far the other writer's clock was ahead.
   */
  isNewer(stored: StoredCheckpoint, checkpointId: string): boolean {
    return (!this.#isFenced || this.#own.has(stored)) && stored.checkpointId > checkpointId;
  }

  /** The known pending writes of a namespace's head, or of the checkpoint about to be it. */
  writesOf(checkpointNs: string, checkpointId: string): KnownHead["writes"] | undefined {
    const head = this.heads.get(checkpointNs);
    if (head?.stored.checkpointId === checkpointId) return head.writes;
    if (head !== undefined && this.isNewer(head.stored, checkpointId)) return undefined;
    let early = this.#earlyWrites.get(checkpointNs);
    if (early === undefined || early.checkpointId < checkpointId) {
      early = { checkpointId, writes: new Map() };
      this.#earlyWrites.set(checkpointNs, early);
    }
    return early.checkpointId === checkpointId ? early.writes : undefined;
  }

  /** The writes that came before their checkpoint. */
  takeEarlyWrites(stored: StoredCheckpoint): KnownHead["writes"] {
    const early = this.#earlyWrites.get(stored.checkpointNs);
    if (early?.checkpointId !== stored.checkpointId) return new Map();
    this.#earlyWrites.delete(stored.checkpointNs);
    return early.writes;
  }

  /** A place for one more item of the thread's open list. */
  append(op: WriteOp, text: string): NewItem {
    this.#tail ??= { list: mintListId(), next: 0 };
    return this.#appendTo(this.#tail, op, text);
  }

  /** A place for a large value; kept apart so that lists stay in one piece. */
  appendValue(op: WriteOp, text: string): NewItem {
    this.#valueTail ??= { list: mintListId(), next: 0 };
    return this.#appendTo(this.#valueTail, op, text);
  }

  #appendTo(end: ListEnd, op: WriteOp, text: string): NewItem {
    const item: NewItem = { slot: { list: end.list, position: end.next++, owner: op }, text };
    op.items.push(item);
    return item;
  }

  /** Notes that a checkpoint's items have their places, though it may not be stored yet. */
  placeCheckpoint(checkpointNs: string, checkpointId: string): void {
    this.#placed.delete(checkpointNs);
    this.#placed.set(checkpointNs, checkpointId);
    if (this.#placed.size > CHECKPOINTS_MAX) this.#placed.delete(this.#placed.keys().next().value as string);
  }

  /** Whether items that come after those of a checkpoint can get their places. */
  isPlaced(checkpointNs: string, checkpointId: string): boolean {
    return this.#placed.get(checkpointNs) === checkpointId || this.checkpoint(checkpointNs, checkpointId) !== undefined;
  }

  /** A checkpoint read or written before. */
  checkpoint(checkpointNs: string, checkpointId: string): StoredCheckpoint | undefined {
    return this.#checkpoints.get(`${checkpointNs}\n${checkpointId}`);
  }

  addCheckpoint(stored: StoredCheckpoint): void {
    for (const value of stored.values.values()) for (const segments of value.lists) this.avoid(segments);
    this.#checkpoints.set(`${stored.checkpointNs}\n${stored.checkpointId}`, stored);
    if (this.#checkpoints.size <= CHECKPOINTS_MAX) return;
    for (const oldest of this.#checkpoints.keys()) {
      this.#checkpoints.delete(oldest);
      break;
    }
  }

  /** An operation that waits for the database. */
  begin(op: WriteOp): void {
    this.#pending.add(op);
  }

  /**
   * Moves an operation's items to a new list, after another writer took their place. Operations that refer to them are
   * still waiting, for they depend on this one; their segments are corrected.
   */
  relocate(op: WriteOp): void {
    const list = mintListId();
    const moved = new Map<string, ItemSlot>();
    let position = 0;
    for (const { slot } of op.items) {
      moved.set(`${slot.list}:${slot.position}`, slot);
      slot.list = list;
      slot.position = position++;
    }
    this.#tail = { list, next: position };
    this.#valueTail = undefined;
    for (const pending of this.#pending) {
      if (pending !== op && !pending.dependencies.has(op)) continue;
      for (const row of [...(pending.checkpoint === undefined ? [] : [pending.checkpoint]), ...pending.writes])
        for (const segments of row.lists) moveSegments(segments, moved);
    }
  }

  /** After a commit: items are where their slots say. */
  settle(op: WriteOp): void {
    this.#pending.delete(op);
    for (const { slot, text } of op.items) {
      slot.owner = undefined;
      this.entry.items.put(slot.list, slot.position, text);
    }
  }

  /** After a failure: nothing was stored. */
  abandon(op: WriteOp): void {
    this.#pending.delete(op);
    this.forgetObjects();
  }
}

/** Corrects segments in place, since checkpoints share them. */
function moveSegments(segments: Segment[], moved: ReadonlyMap<string, ItemSlot>): void {
  const corrected: Segment[] = [];
  for (const { list, from, to } of segments)
    for (let position = from; position < to; position++) {
      const slot = moved.get(`${list}:${position}`);
      pushPosition(corrected, slot?.list ?? list, slot?.position ?? position);
    }
  segments.splice(0, segments.length, ...corrected);
}
