// The checkpointer: LangGraph's saver on PostgreSQL, with one statement per write, shared list items and a fence.
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointPendingWrite,
  type CheckpointTuple,
  type DeltaChannelHistory,
  getCheckpointId,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
} from "@langchain/langgraph-checkpoint";
import type { Fence } from "../../domain/ports/run-queue.ts";
import type { Queryable } from "../statement.ts";
import { CheckpointCache } from "./cache.ts";
import { metadataText } from "./checkpoint-metadata.ts";
import { deleteThreadCheckpoints } from "./delete.ts";
import { readDeltaHistory } from "./delta-history.ts";
import { addLegacySends, hasLegacySends } from "./legacy-sends.ts";
import { listCheckpoints } from "./list.ts";
import { listsOf, readCheckpoint, withItems } from "./read-statement.ts";
import {
  composeBody,
  composeFrame,
  composeWrites,
  PLAIN,
  type StoredCheckpoint,
  type StoredValue,
  type StoredWrite,
  type StoredWriteGroup,
} from "./stored-checkpoint.ts";
import { ThreadSession } from "./thread-session.ts";
import { checkpointConfig, TupleReader } from "./tuple-reader.ts";
import { ValueEncoder } from "./value-encoder.ts";
import { WriteOp } from "./write-op.ts";
import { type WriteQueue, writeQueueOf } from "./write-queue.ts";

/** Threads an unfenced saver keeps in mind; a fenced one works on one. */
const SESSIONS_MAX = 256;

/** Where LangGraph keeps a run's input until the first superstep. */
const INPUT_CHANNEL = "__start__";

/** Stands for a value that the serializer is still making. */
const LATE: StoredValue = { kind: PLAIN, text: "null", tree: null, lists: [] };

/** Choices for one saver. */
export interface HoldfastSaverOptions {
  readonly pool: Queryable;
  /**
   * Proof of the right to write: every put and putWrites takes effect only while the epoch of this thread's row is
   * this one. Such a saver belongs to one run: within it, it is the only writer of the thread, and it adds the
   * metadata of the run's configuration to that of its checkpoints. Without a fence it writes unconditionally.
   */
  readonly fence?: Fence;
  /** Memory of hot threads, one per process. @default a small one of this saver's own */
  readonly cache?: CheckpointCache;
  /** Serializer for values that are neither JSON nor messages. @default LangGraph's JsonPlusSerializer */
  readonly serde?: SerializerProtocol;
}

/** LangGraph's checkpointer on PostgreSQL. */
export class HoldfastSaver extends BaseCheckpointSaver {
  readonly #pool: Queryable;
  readonly #queue: WriteQueue;
  readonly #fence: Fence | undefined;
  readonly #cache: CheckpointCache;
  readonly #sessions = new Map<string, ThreadSession>();

  constructor(options: HoldfastSaverOptions) {
    super(options.serde);
    this.#pool = options.pool;
    this.#queue = writeQueueOf(options.pool);
    this.#fence = options.fence;
    this.#cache = options.cache ?? new CheckpointCache({ entriesMax: SESSIONS_MAX });
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const threadId = config.configurable?.thread_id;
    if (threadId === undefined || threadId === null) return undefined;
    const checkpointNs = config.configurable?.checkpoint_ns ?? "";
    const checkpointId = getCheckpointId(config) || undefined;
    const session = this.#session(String(threadId));
    const head = checkpointId === undefined && this.#fence !== undefined ? session.heads.get(checkpointNs) : undefined;
    const read =
      head === undefined
        ? await this.#read(session, checkpointNs, checkpointId)
        : { stored: head.stored, groups: [...head.writes.values()] };
    if (read === undefined) return undefined;
    const { items } = session.entry;
    const reader = new TupleReader(this.serde, items, session);
    const lists = [...listsOf(read.stored, read.groups)];
    const tuple = await withItems(this.#pool, session.threadId, items, lists, () =>
      reader.readTuple(read.stored, read.groups),
    );
    if (hasLegacySends(tuple)) await addLegacySends(this.#pool, this.serde, [tuple]);
    return tuple;
  }

  override async *list(config: RunnableConfig, options?: CheckpointListOptions): AsyncGenerator<CheckpointTuple> {
    const threadId = config.configurable?.thread_id;
    const session = threadId === undefined ? undefined : this.#session(String(threadId));
    yield* listCheckpoints(this.#pool, this.serde, session, config, options);
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { threadId, checkpointNs, checkpointId: parentId } = this.#address(config, "checkpoint");
    const session = this.#session(threadId);
    let parent: StoredCheckpoint | undefined;
    if (parentId !== undefined) {
      parent =
        session.checkpoint(checkpointNs, parentId) ?? (await this.#read(session, checkpointNs, parentId))?.stored;
    }
    const op = new WriteOp(threadId, this.#fence);
    op.orderKey = `${threadId}\n${checkpointNs}\n${checkpoint.id}`;
    const encoder = new ValueEncoder(session, op, this.serde);
    const values = new Map<string, StoredValue>();
    const late: Promise<void>[] = encoder.waits;
    for (const channel of Object.keys(checkpoint.channel_values)) {
      const previous = parent?.values.get(channel);
      if (!(channel in newVersions)) {
        // Unchanged: stored with the parent. A checkpoint without parent holds what is said to be new, and nothing else.
        if (previous !== undefined) values.set(channel, previous);
        if (previous !== undefined || parent === undefined) continue;
      }
      // The input is gone with the next checkpoint, so it need not be shared.
      const target = channel === INPUT_CHANNEL ? "write" : "checkpoint";
      const encoded = encoder.encode(checkpoint.channel_values[channel], target, previous);
      if (encoded instanceof Promise) late.push(encoded.then((value) => void values.set(channel, value)));
      // A late value gets its place among the others now.
      values.set(channel, encoded instanceof Promise ? LATE : encoded);
    }
    session.placeCheckpoint(checkpointNs, checkpoint.id);
    const frame = composeFrame(checkpoint);
    const text = metadataText(metadata, config, this.#fence);
    await this.#submit(session, op, late, () => {
      op.checkpoint = {
        checkpointNs,
        checkpointId: checkpoint.id,
        parentId,
        channels: [...values.keys()],
        metadata: text,
        ...composeBody(frame, values),
      };
    });
    const stored = { threadId, checkpointNs, checkpointId: checkpoint.id, parentId, frame, values, metadata: text };
    session.addCheckpoint(stored);
    this.#moveHead(session, stored);
    return checkpointConfig(threadId, checkpointNs, checkpoint.id);
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath = "",
  ): Promise<void> {
    const { threadId, checkpointNs, checkpointId } = this.#address(config, "writes");
    if (checkpointId === undefined) {
      throw new Error('Failed to put writes: "checkpoint_id" is missing in the "configurable" of the config.');
    }
    const session = this.#session(threadId);
    const op = new WriteOp(threadId, this.#fence);
    op.orderKey = `${threadId}\n${checkpointNs}\n${checkpointId}\n${taskId}`;
    const encoder = new ValueEncoder(session, op, this.serde, session.isPlaced(checkpointNs, checkpointId));
    const late: Promise<void>[] = encoder.waits;
    const groups = new Map<number, StoredWrite[]>();
    for (const [channel, value] of writes) {
      const idx = WRITES_IDX_MAP[channel] ?? 0;
      let group = groups.get(idx);
      if (group === undefined || idx < 0) {
        group = [];
        groups.set(idx, group);
      }
      place(encoder.encode(value, "write"), group, channel, late);
    }
    await this.#submit(session, op, late, () => {
      for (const [idx, group] of groups)
        op.writes.push({ checkpointNs, checkpointId, taskId, idx, taskPath, ...composeWrites(group) });
    });
    this.#addWrites(session, checkpointNs, checkpointId, { taskId, taskPath }, groups);
  }

  override async deleteThread(threadId: string): Promise<void> {
    await deleteThreadCheckpoints(this.#pool, [threadId]);
    this.#cache.delete(threadId);
    this.#sessions.delete(threadId);
  }

  override async getDeltaChannelHistory(options: {
    config: RunnableConfig;
    channels: string[];
  }): Promise<Record<string, DeltaChannelHistory>> {
    const { config, channels } = options;
    const threadId = config.configurable?.thread_id;
    if (channels.length === 0) return {};
    if (threadId === undefined)
      return Object.fromEntries(channels.map((channel) => [channel, { writes: [] as CheckpointPendingWrite[] }]));
    return readDeltaHistory(this.#pool, this.serde, this.#session(String(threadId)), {
      checkpointNs: config.configurable?.checkpoint_ns ?? "",
      checkpointId: getCheckpointId(config) || undefined,
      channels,
    });
  }

  #address(config: RunnableConfig, what: string): { threadId: string; checkpointNs: string; checkpointId?: string } {
    const { thread_id, checkpoint_ns, checkpoint_id } = config.configurable ?? {};
    if (thread_id === undefined || thread_id === null) {
      throw new Error(`Failed to put ${what}: "thread_id" is missing in the "configurable" of the config.`);
    }
    return { threadId: String(thread_id), checkpointNs: checkpoint_ns ?? "", checkpointId: checkpoint_id || undefined };
  }

  #session(threadId: string): ThreadSession {
    let session = this.#sessions.get(threadId);
    if (session === undefined) {
      session = new ThreadSession(threadId, this.#cache.open(threadId), { isFenced: this.#fence !== undefined });
      if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value as string);
    } else this.#sessions.delete(threadId);
    this.#sessions.set(threadId, session);
    return session;
  }

  async #read(
    session: ThreadSession,
    checkpointNs: string,
    checkpointId: string | undefined,
  ): Promise<{ stored: StoredCheckpoint; groups: StoredWriteGroup[] } | undefined> {
    const { entry, threadId } = session;
    const isHead = checkpointId === undefined;
    if (isHead) entry.trim();
    const known = isHead ? entry.head(checkpointNs) : session.checkpoint(checkpointNs, checkpointId);
    const read = await readCheckpoint(this.#pool, threadId, checkpointNs, checkpointId, entry.items, known);
    // Others may have written, and removed what nothing refers to any more, since this saver last looked.
    if (isHead && checkpointNs === "" && this.#fence === undefined) session.forgetObjects();
    if (read === undefined) return undefined;
    const { stored, groups, ends } = read;
    session.addCheckpoint(stored);
    for (const { writes } of groups)
      for (const { value } of writes) for (const segments of value.lists) session.avoid(segments);
    for (const [list, next] of ends) session.avoid([{ list, from: 0, to: next }]);
    const newest = newestList(stored, ends);
    if (newest !== undefined) session.continueList(newest, ends.get(newest) as number);
    if (isHead) {
      const writes = new Map(groups.map((group) => [`${group.taskId}\n${group.idx}`, group]));
      session.heads.set(checkpointNs, { stored, writes });
      entry.setHead(stored);
      this.#cache.keep(threadId, entry);
    }
    return { stored, groups };
  }

  /** Sends an operation once late values are there. */
  async #submit(session: ThreadSession, op: WriteOp, late: Promise<void>[], compose: () => void): Promise<void> {
    session.begin(op);
    try {
      if (late.length > 0) await Promise.all(late);
      compose();
      await this.#queue.submit(op, () => session.relocate(op));
    } catch (error) {
      op.isSettled = true;
      op.failure ??= error;
      session.abandon(op);
      throw error;
    }
    session.settle(op);
  }

  #moveHead(session: ThreadSession, stored: StoredCheckpoint): void {
    const { entry, heads, threadId } = session;
    const { checkpointNs } = stored;
    const known = heads.get(checkpointNs);
    if (known !== undefined && session.isNewer(known.stored, stored.checkpointId)) return;
    session.noteOwn(stored);
    const isSame = known?.stored.checkpointId === stored.checkpointId;
    heads.set(checkpointNs, { stored, writes: isSame ? known.writes : session.takeEarlyWrites(stored) });
    entry.setHead(stored);
    this.#cache.keep(threadId, entry);
  }

  #addWrites(
    session: ThreadSession,
    checkpointNs: string,
    checkpointId: string,
    task: { taskId: string; taskPath: string },
    groups: Map<number, StoredWrite[]>,
  ): void {
    const known = session.writesOf(checkpointNs, checkpointId);
    if (known === undefined) return;
    for (const [idx, writes] of groups) {
      const key = `${task.taskId}\n${idx}`;
      if (idx < 0 || !known.has(key)) known.set(key, { ...task, idx, writes });
    }
  }
}

/** The list that holds the end of a checkpoint's longest list channel: new items are appended to it. */
function newestList(stored: StoredCheckpoint, ends: ReadonlyMap<number, number>): number | undefined {
  let newest: number | undefined;
  let size = 0;
  for (const value of stored.values.values())
    for (const segments of value.lists) {
      const last = segments.at(-1);
      if (last === undefined || !ends.has(last.list) || last.to <= size) continue;
      size = last.to;
      newest = last.list;
    }
  return newest;
}

/** Keeps a write's place in its group, also if its value is there later. */
function place(
  encoded: StoredValue | Promise<StoredValue>,
  group: StoredWrite[],
  channel: string,
  late: Promise<void>[],
): void {
  if (!(encoded instanceof Promise)) {
    group.push({ channel, value: encoded });
    return;
  }
  const at = group.length;
  group.length = at + 1;
  const setValue = (value: StoredValue): void => {
    group[at] = { channel, value };
  };
  late.push(encoded.then(setValue));
}
