// The per-process memory of hot threads: items, which never change once stored, and the last checkpoint of a namespace, which a read validates by its id.
import { MESSAGE_KEY, type MessageTree } from "./message-codec.ts";
import type { SharedMessage } from "./shared-message.ts";
import type { StoredCheckpoint } from "./stored-checkpoint.ts";

const CACHE_ENTRIES_MAX = 1_000;
const CACHE_BYTES_MAX = 64 * 1024 * 1024;
/** For message objects that are handed out again; a thread that loses them keeps its items. */
const SHARED_BYTES_MAX = 64 * 1024 * 1024;
/** Namespaces remembered per thread: the root and the last subgraphs. */
const HEADS_PER_THREAD_MAX = 4;
/** What an item or a checkpoint costs besides its text, roughly. */
const ENTRY_OVERHEAD_BYTES = 100;

/** How an item of messages begins. */
const MESSAGE_PREFIX = `{"${MESSAGE_KEY}"`;

interface ItemRun {
  from: number;
  /** Text, or the parsed tree of a message; trees are private and only ever copied. */
  items: (string | MessageTree | undefined)[];
  /** Message objects that were handed out, by the same index. */
  shared: (SharedMessage | undefined)[];
  bytes: number;
  sharedBytes: number;
}

/** The items of one thread that this process knows. */
export class ThreadItems {
  readonly #runs = new Map<number, ItemRun>();
  /** Bytes of all texts put in, roughly. */
  bytes = 0;
  /** Bytes of all message objects kept to be handed out again, roughly. */
  sharedBytes = 0;

  put(list: number, position: number, text: string): void {
    let run = this.#runs.get(list);
    if (run === undefined) {
      run = { from: position, items: [], shared: [], bytes: 0, sharedBytes: 0 };
      this.#runs.set(list, run);
    }
    if (this.has(list, position)) return;
    const bytes = text.length + ENTRY_OVERHEAD_BYTES;
    run.bytes += bytes;
    this.bytes += bytes;
    if (position < run.from) {
      const before = new Array<undefined>(run.from - position);
      run.items.unshift(...before);
      run.shared.unshift(...before);
      run.from = position;
    }
    run.items[position - run.from] = text;
  }

  /** The text of an item or the tree of a message, if known. */
  get(list: number, position: number): string | MessageTree | undefined {
    const run = this.#runs.get(list);
    if (run === undefined) return undefined;
    const index = position - run.from;
    const item = run.items[index];
    if (typeof item !== "string" || !item.startsWith(MESSAGE_PREFIX)) return item;
    const tree = JSON.parse(item) as MessageTree;
    run.items[index] = tree;
    return tree;
  }

  /** Keeps the object made of an item, to be handed out again. */
  share(list: number, position: number, shared: SharedMessage): void {
    const run = this.#runs.get(list);
    if (run === undefined) return;
    const index = position - run.from;
    const bytes = shared.bytes - (run.shared[index]?.bytes ?? 0);
    run.shared[index] = shared;
    run.sharedBytes += bytes;
    this.sharedBytes += bytes;
  }

  /** The object made of an item before, if it is still as it was. */
  sharedAt(list: number, position: number): SharedMessage | undefined {
    const run = this.#runs.get(list);
    const shared = run?.shared[position - run.from];
    return shared?.isUntouched === true ? shared : undefined;
  }

  dropShared(): void {
    for (const run of this.#runs.values()) {
      run.shared = [];
      run.sharedBytes = 0;
    }
    this.sharedBytes = 0;
  }

  has(list: number, position: number): boolean {
    const run = this.#runs.get(list);
    return run !== undefined && run.items[position - run.from] !== undefined;
  }

  /** For each known list the range that a read need not fetch; gaps in it are fetched when they are met. */
  ranges(): { lists: number[]; from: number[]; to: number[] } {
    const ranges = { lists: [] as number[], from: [] as number[], to: [] as number[] };
    for (const [list, run] of this.#runs) {
      ranges.lists.push(list);
      ranges.from.push(run.from);
      ranges.to.push(run.from + run.items.length);
    }
    return ranges;
  }

  /** Forgets lists that nothing refers to any more. */
  keepOnly(lists: ReadonlySet<number>): void {
    for (const [list, run] of this.#runs) {
      if (lists.has(list)) continue;
      this.bytes -= run.bytes;
      this.sharedBytes -= run.sharedBytes;
      this.#runs.delete(list);
    }
  }
}

/** What is remembered of one thread. */
export class ThreadEntry {
  readonly items = new ThreadItems();
  readonly #heads = new Map<string, StoredCheckpoint>();

  /** The last checkpoint this process put or read in a namespace; the database may know a newer one. */
  head(checkpointNs: string): StoredCheckpoint | undefined {
    return this.#heads.get(checkpointNs);
  }

  setHead(stored: StoredCheckpoint): void {
    this.#heads.delete(stored.checkpointNs);
    this.#heads.set(stored.checkpointNs, stored);
    if (this.#heads.size <= HEADS_PER_THREAD_MAX) return;
    for (const checkpointNs of this.#heads.keys()) {
      // The root namespace is read at every turn; subgraphs' are not.
      if (checkpointNs === "") continue;
      this.#heads.delete(checkpointNs);
      break;
    }
  }

  /** Forgets the items of lists that no remembered checkpoint refers to. */
  trim(): void {
    const lists = new Set<number>();
    for (const head of this.#heads.values())
      for (const value of head.values.values())
        for (const segments of value.lists) for (const { list } of segments) lists.add(list);
    this.items.keepOnly(lists);
  }
}

/**
 * Hot threads of a process, least recently used first out. Nothing in it is trusted without asking the database for
 * the head's id, except within a fenced run. What is handed out are copies; a message may be handed out again, to later
 * readers of the thread, as long as nobody has changed anything in it.
 */
export class CheckpointCache {
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #sharedBytesMax: number;
  readonly #threads = new Map<string, { entry: ThreadEntry; bytes: number; sharedBytes: number }>();
  #bytes = 0;
  #sharedBytes = 0;

  /**
   * @param options.entriesMax threads remembered at most. @default 1000
   * @param options.bytesMax bytes of item text remembered at most, roughly. @default 64 MiB
   * @param options.sharedBytesMax bytes of message objects kept to be handed out again at most, roughly. @default 64 MiB
   */
  constructor(options: { entriesMax?: number; bytesMax?: number; sharedBytesMax?: number } = {}) {
    this.#entriesMax = options.entriesMax ?? CACHE_ENTRIES_MAX;
    this.#bytesMax = options.bytesMax ?? CACHE_BYTES_MAX;
    this.#sharedBytesMax = options.sharedBytesMax ?? SHARED_BYTES_MAX;
  }

  /** Threads and bytes remembered now. */
  get size(): { entries: number; bytes: number; sharedBytes: number } {
    return { entries: this.#threads.size, bytes: this.#bytes, sharedBytes: this.#sharedBytes };
  }

  /** The entry of a thread; a new, empty one if it is not remembered. */
  open(threadId: string): ThreadEntry {
    const known = this.#threads.get(threadId);
    const entry = known?.entry ?? new ThreadEntry();
    if (known !== undefined) {
      this.#threads.delete(threadId);
      this.#threads.set(threadId, known);
    }
    return entry;
  }

  /** Remembers an entry as the most recently used and makes room. */
  keep(threadId: string, entry: ThreadEntry): void {
    this.delete(threadId);
    const { bytes, sharedBytes } = entry.items;
    this.#threads.set(threadId, { entry, bytes, sharedBytes });
    this.#bytes += bytes;
    this.#sharedBytes += sharedBytes;
    this.#dropShared();
    for (const oldest of this.#threads.keys()) {
      if (this.#threads.size <= this.#entriesMax && this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
  }

  /** Forgets a thread: after it was deleted, rolled back or pruned in this process. */
  delete(threadId: string): void {
    const known = this.#threads.get(threadId);
    if (known === undefined) return;
    this.#threads.delete(threadId);
    this.#bytes -= known.bytes;
    this.#sharedBytes -= known.sharedBytes;
  }

  /** Makes room for message objects, those of the least recently used threads first. */
  #dropShared(): void {
    for (const known of this.#threads.values()) {
      if (this.#sharedBytes <= this.#sharedBytesMax) return;
      known.entry.items.dropShared();
      this.#sharedBytes -= known.sharedBytes;
      known.sharedBytes = 0;
    }
  }
}
