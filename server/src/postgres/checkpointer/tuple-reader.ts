// Makes checkpoint tuples of stored checkpoints and known items.
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  compareWritesSortKeys,
  type SerializerProtocol,
  writesSortKey,
} from "@langchain/langgraph-checkpoint";
import type { ThreadItems } from "./cache.ts";
import { DEEP_CHECK_ITEMS } from "./item-memory.ts";
import { countItems, type Segment } from "./list-segments.ts";
import { isMessage, type MessageLike, type MessageTree } from "./message-codec.ts";
import { SharedMessage } from "./shared-message.ts";
import {
  type CheckpointFrame,
  frameOf,
  ITEM,
  LIST,
  PLAIN,
  SERIALIZED,
  type StoredCheckpoint,
  type StoredValue,
  type StoredWriteGroup,
} from "./stored-checkpoint.ts";
import type { ThreadSession } from "./thread-session.ts";
import { deserialize, MARKED_PREFIX, SERIALIZED_PREFIX } from "./value-encoder.ts";
import { copyPlain, reviveMessageTree, reviveTree } from "./value-tree.ts";

export class TupleReader {
  readonly #serde: SerializerProtocol;
  readonly #items: ThreadItems;
  readonly #session: ThreadSession | undefined;
  readonly #shared: Map<number, object[]> | undefined;
  /** Values that the asynchronous serializer still makes. */
  #waits: Promise<void>[] = [];

  /**
   * @param session remembers where the messages handed out are stored, so that they are not stored again.
   * @param sharesMessages whether the tuples of this reader hold the same message objects where they hold the same
   *   messages: for listings, whose checkpoints differ in a few messages only. A reader's tuples are never kept.
   */
  constructor(serde: SerializerProtocol, items: ThreadItems, session?: ThreadSession, sharesMessages = false) {
    this.#serde = serde;
    this.#items = items;
    this.#session = session;
    this.#shared = sharesMessages ? new Map() : undefined;
  }

  /** The tuple of a stored checkpoint; all items it refers to must be known. */
  async readTuple(stored: StoredCheckpoint, groups: Iterable<StoredWriteGroup>): Promise<CheckpointTuple> {
    const { threadId, checkpointNs, checkpointId, parentId } = stored;
    const channelValues = this.startValues(stored);
    const pendingWrites = this.startWrites(groups);
    const metadata = await readMetadata(stored.metadata, this.#serde);
    await this.finish();
    return {
      config: checkpointConfig(threadId, checkpointNs, checkpointId),
      checkpoint: makeCheckpoint(frameOf(stored), checkpointId, channelValues),
      metadata,
      parentConfig: parentId === undefined ? undefined : checkpointConfig(threadId, checkpointNs, parentId),
      pendingWrites,
    };
  }

  /** The channel values; complete after `finish`. */
  startValues(stored: StoredCheckpoint): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [channel, value] of stored.values) {
      values[channel] = this.#start(value, (late) => {
        values[channel] = late;
      });
    }
    return values;
  }

  /** The pending writes in the order live execution applies them; complete after `finish`. */
  startWrites(groups: Iterable<StoredWriteGroup>): CheckpointPendingWrite[] {
    const writes: CheckpointPendingWrite[] = [];
    for (const { taskId, writes: stored } of sortGroups(groups)) {
      for (const { channel, value } of stored) {
        const write: CheckpointPendingWrite = [taskId, channel, undefined];
        write[2] = this.#start(value, (late) => {
          write[2] = late;
        });
        writes.push(write);
      }
    }
    return writes;
  }

  /** One value; complete after `finish`, which may call `setLate`. */
  startValue(value: StoredValue, setLate: (value: unknown) => void): unknown {
    return this.#start(value, setLate);
  }

  /** Waits for values that need the serializer. */
  async finish(): Promise<void> {
    if (this.#waits.length === 0) return;
    const waits = this.#waits;
    this.#waits = [];
    await Promise.all(waits);
  }

  #start(value: StoredValue, setLate: (value: unknown) => void): unknown {
    if (value.kind === LIST) return this.#list(value.lists[0] as Segment[]);
    if (value.kind === ITEM) {
      const [segment] = value.lists[0] as Segment[];
      if (segment === undefined) throw new Error("A stored value refers to no item.");
      return this.#item(segment.list, segment.from, true, setLate);
    }
    const tree = value.tree === undefined ? JSON.parse(value.text as string) : value.tree;
    if (value.kind === PLAIN) return copyPlain(tree);
    if (value.kind === SERIALIZED) return this.#deserialize(tree as [string, string], setLate);
    return reviveTree(tree, (index) => this.#list(value.lists[index] as Segment[]));
  }

  #list(segments: readonly Segment[]): unknown[] {
    const list: unknown[] = [];
    const deepFrom = countItems(segments) - DEEP_CHECK_ITEMS;
    for (const segment of segments)
      for (let position = segment.from; position < segment.to; position++) {
        const index = list.length;
        list.push(
          this.#item(segment.list, position, index >= deepFrom, (late) => {
            list[index] = late;
          }),
        );
      }
    return list;
  }

  #item(list: number, position: number, isDeep: boolean, setLate: (value: unknown) => void): unknown {
    const item = this.#items.get(list, position);
    if (item === undefined)
      throw new Error(`A checkpoint refers to item ${position} of list ${list}, which is missing.`);
    if (typeof item !== "string") return this.#message(item, list, position, isDeep);
    if (item.startsWith(MARKED_PREFIX)) return reviveTree(JSON.parse(item.slice(1)), noList);
    if (!item.startsWith(SERIALIZED_PREFIX)) return JSON.parse(item);
    return this.#deserialize(JSON.parse(item.slice(1)) as [string, string], (late) => {
      if (typeof late === "object" && late !== null && isMessage(late)) this.#remember(late, list, position, isDeep);
      setLate(late);
    });
  }

  #message(tree: MessageTree, list: number, position: number, isDeep: boolean): object {
    if (this.#shared === undefined) return this.#handOut(tree, list, position, isDeep);
    let messages = this.#shared.get(list);
    if (messages === undefined) {
      messages = [];
      this.#shared.set(list, messages);
    }
    messages[position] ??= this.#remember(reviveMessageTree(tree), list, position, true);
    return messages[position];
  }

  /** The last messages of a list are made anew: those are the ones that nodes change in place. */
  #handOut(tree: MessageTree, list: number, position: number, isDeep: boolean): object {
    if (this.#session === undefined || isDeep) return this.#remember(reviveMessageTree(tree), list, position, isDeep);
    const known = this.#items.sharedAt(list, position);
    if (known !== undefined) {
      this.#session.adopt(known.message, known.memory);
      return known.message;
    }
    const message = reviveMessageTree(tree) as MessageLike;
    const memory = this.#session.remember(message, false);
    memory.slot = { list, position, owner: undefined };
    const shared = SharedMessage.of(message, memory);
    if (shared !== undefined) this.#items.share(list, position, shared);
    return message;
  }

  #remember(message: object, list: number, position: number, isDeep: boolean): object {
    if (this.#session !== undefined) {
      const memory = this.#session.remember(message as MessageLike, isDeep);
      memory.slot = { list, position, owner: undefined };
    }
    return message;
  }

  #deserialize(pair: [string, string], setLate: (value: unknown) => void): undefined {
    this.#waits.push(deserialize(this.#serde, pair).then(setLate));
    return undefined;
  }
}

function noList(): never {
  throw new Error("A stored item refers to a list.");
}

function makeCheckpoint(frame: CheckpointFrame, id: string, channelValues: Record<string, unknown>): Checkpoint {
  const versionsSeen: Checkpoint["versions_seen"] = {};
  for (const node of Object.keys(frame.vs)) versionsSeen[node] = { ...frame.vs[node] };
  return {
    ...(copyPlain(frame.x ?? {}) as object),
    v: frame.v,
    id,
    ts: frame.ts,
    channel_values: channelValues,
    channel_versions: { ...frame.cv },
    versions_seen: versionsSeen,
  };
}

/** Orders groups of pending writes as live execution applies them. */
export function sortGroups(groups: Iterable<StoredWriteGroup>): StoredWriteGroup[] {
  const sorted = [...groups];
  if (sorted.length < 2) return sorted;
  return sorted.sort((a, b) =>
    compareWritesSortKeys(writesSortKey(a.taskPath, a.taskId, a.idx), writesSortKey(b.taskPath, b.taskId, b.idx)),
  );
}

/** The configuration that names a checkpoint. */
export function checkpointConfig(threadId: string, checkpointNs: string, checkpointId: string): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: checkpointNs, checkpoint_id: checkpointId } };
}

/** Metadata of a row; the serializer is asked only if there is a record of it inside. */
async function readMetadata(text: string, serde: SerializerProtocol): Promise<CheckpointMetadata> {
  if (!text.includes('"lc":')) return JSON.parse(text) as CheckpointMetadata;
  return (await serde.loadsTyped("json", text)) as CheckpointMetadata;
}
