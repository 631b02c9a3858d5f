// Stands between a graph and its checkpointer for one run or update: stamps metadata, remembers what happened, and closes the door at the end.
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  type PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { HoldfastError } from "../domain/errors.ts";
import { type JsonObject, omitUndefined } from "../domain/json.ts";
import { isLongList } from "./thread-values.ts";

/** LangGraph's channel for interrupts among a task's writes. */
const INTERRUPT_CHANNEL = "__interrupt__";

/** How many saved lists are kept in mind; an event is written a few checkpoints after its values at most. */
const SAVED_LISTS_MAX = 64;

/** LangGraph hands out copies of lists; their items are the same objects. */
function hasSameItems(a: unknown[], b: unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => Object.is(item, b[index])));
}

/** Which checkpoint a configuration means. */
function addressOf({ configurable = {} }: RunnableConfig): string {
  return JSON.stringify([configurable.thread_id, configurable.checkpoint_ns ?? "", configurable.checkpoint_id ?? null]);
}

/** What may look in on the traffic between a graph and its checkpointer. */
export interface SaverHooks {
  /** Sees each batch of writes before it is handed on, which waits for it. */
  beforeWrites?(config: RunnableConfig, writes: PendingWrite[], taskId: string): Promise<void> | undefined;
  /** May replace a loaded checkpoint. */
  afterLoad?(tuple: CheckpointTuple): CheckpointTuple;
  /** Persistence failed for the first time; whatever the run does from here on is lost. */
  onFailure?(failure: HoldfastError): void;
}

export class FencedSaver extends BaseCheckpointSaver {
  readonly #inner: BaseCheckpointSaver;
  readonly #metadata: JsonObject;
  readonly #hooks: SaverHooks;
  readonly #inFlight = new Set<Promise<unknown>>();
  /** The newest long lists of root checkpoints that are committed, newest last. */
  readonly #savedLists: { list: unknown[]; checkpointId: string }[] = [];
  readonly #listWaiters: { list: unknown[]; resolve: () => void }[] = [];
  /** Checkpoints that are committed, of all namespaces: those a run wrote or began from. */
  readonly #savedIds = new Set<string>();
  readonly #idWaiters = new Map<string, { resolve: () => void; reject: (reason: Error) => void }[]>();
  /** Of the graphs that keep their checkpoints here; a subgraph may keep none, or elsewhere. */
  readonly #namespaces = new Set<string>();
  #peeked: { address: string; tuple: CheckpointTuple } | undefined;
  #isSealed = false;
  #headId: string | null = null;
  #hasInterrupt = false;
  #failure: HoldfastError | undefined;

  /** @param options.metadata stamped on every checkpoint that is written; a key that is `undefined` is taken off */
  constructor(inner: BaseCheckpointSaver, options: { metadata: JsonObject; hooks?: SaverHooks }) {
    super(inner.serde);
    this.#inner = inner;
    this.#metadata = options.metadata;
    this.#hooks = options.hooks ?? {};
  }

  /** Id of the newest root checkpoint that was written or loaded as head. */
  get headId(): string | null {
    return this.#headId;
  }

  /** Whether a task asked for an interrupt during this run. */
  get hasInterrupt(): boolean {
    return this.#hasInterrupt;
  }

  /** The first failure that is about persistence and not about the graph: a lost lease, an unreachable database. */
  get failure(): HoldfastError | undefined {
    return this.#failure;
  }

  /** A committed checkpoint of the root graph that holds the very items of this list, so that a stream event need not repeat them. */
  findListHome(list: unknown[]): string | undefined {
    const home = this.#savedLists.findLast((saved) => hasSameItems(saved.list, list));
    return home?.checkpointId;
  }

  /** Resolves when the list is saved, or when no more will be saved. */
  whenListSaved(list: unknown[]): Promise<void> {
    if (this.#isSealed || this.findListHome(list) !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#listWaiters.push({ list, resolve }));
  }

  /** Whether the graph in this namespace keeps its checkpoints here. */
  hasNamespace(namespace: string): boolean {
    return this.#namespaces.has(namespace);
  }

  /** Resolves when the checkpoint is committed; rejects when it never will be. */
  whenCheckpointSaved(checkpointId: string): Promise<void> {
    if (this.#savedIds.has(checkpointId)) return Promise.resolve();
    const reason = this.#failure ?? (this.#isSealed ? new Error("The run has ended.") : undefined);
    if (reason !== undefined) return Promise.reject(reason);
    return new Promise((resolve, reject) => {
      this.#idWaiters.set(checkpointId, [...(this.#idWaiters.get(checkpointId) ?? []), { resolve, reject }]);
    });
  }

  /** Resolves when everything that was asked to be written by now is written, or cannot be. */
  async whenWritten(): Promise<void> {
    while (this.#inFlight.size > 0) {
      await Promise.allSettled(this.#inFlight);
      // LangGraph begins its next write when the one before has ended.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Refuses every later write (nodes that outlive a cancel) and waits for those under way. Reading stays possible. */
  async seal(): Promise<void> {
    this.#isSealed = true;
    await Promise.allSettled(this.#inFlight);
    for (const waiter of this.#listWaiters.splice(0)) waiter.resolve();
    this.#rejectIdWaiters(new Error("The run has ended."));
  }

  /**
   * Reads what the graph is about to ask for. Whoever peeks must leave it as it is: the graph is handed the very same, so that a long
   * thread is not made twice.
   */
  async peekTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const tuple = await this.getTuple(config);
    this.#peeked = tuple && { address: addressOf(config), tuple };
    return tuple;
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const peeked = this.#peeked;
    this.#peeked = undefined;
    if (peeked?.address === addressOf(config)) return peeked.tuple;
    this.#namespaces.add(config.configurable?.checkpoint_ns ?? "");
    const tuple = await this.#watch(this.#inner.getTuple(config));
    if (tuple === undefined) return undefined;
    this.#noteSaved(tuple.checkpoint.id);
    const configurable = config.configurable ?? {};
    if ((configurable.checkpoint_ns ?? "") === "" && configurable.checkpoint_id === undefined) {
      this.#headId = tuple.checkpoint.id;
    }
    if ((configurable.checkpoint_ns ?? "") === "") this.#noteLists(tuple.checkpoint);
    return this.#hooks.afterLoad?.(tuple) ?? tuple;
  }

  override list(config: RunnableConfig, options?: CheckpointListOptions): AsyncGenerator<CheckpointTuple> {
    return this.#inner.list(config, options);
  }

  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    this.#refuseWhenSealed();
    this.#namespaces.add(config.configurable?.checkpoint_ns ?? "");
    if ((config.configurable?.checkpoint_ns ?? "") === "") this.#headId = checkpoint.id;
    const stamped = omitUndefined({ ...metadata, ...this.#metadata });
    const saved = await this.#watch(this.#inner.put(config, checkpoint, stamped, newVersions));
    this.#noteSaved(checkpoint.id);
    if ((config.configurable?.checkpoint_ns ?? "") === "") this.#noteLists(checkpoint);
    return saved;
  }

  #noteSaved(checkpointId: string): void {
    this.#savedIds.add(checkpointId);
    for (const { resolve } of this.#idWaiters.get(checkpointId) ?? []) resolve();
    this.#idWaiters.delete(checkpointId);
  }

  #rejectIdWaiters(reason: Error): void {
    for (const { reject } of [...this.#idWaiters.values()].flat()) reject(reason);
    this.#idWaiters.clear();
  }

  #noteLists(checkpoint: Checkpoint): void {
    for (const value of Object.values(checkpoint.channel_values)) {
      if (isLongList(value)) this.#savedLists.push({ list: value, checkpointId: checkpoint.id });
    }
    if (this.#savedLists.length > SAVED_LISTS_MAX)
      this.#savedLists.splice(0, this.#savedLists.length - SAVED_LISTS_MAX);
    for (const waiter of this.#listWaiters.splice(0)) {
      if (this.findListHome(waiter.list) === undefined) this.#listWaiters.push(waiter);
      else waiter.resolve();
    }
  }

  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath?: string,
  ): Promise<void> {
    this.#refuseWhenSealed();
    if (writes.some(([channel]) => channel === INTERRUPT_CHANNEL)) this.#hasInterrupt = true;
    const before = this.#hooks.beforeWrites?.(config, writes, taskId);
    if (before !== undefined) await this.#watch(before);
    await this.#watch(this.#inner.putWrites(config, writes, taskId, taskPath));
  }

  override deleteThread(threadId: string): Promise<void> {
    return this.#inner.deleteThread(threadId);
  }

  override getNextVersion(current: number | undefined): number {
    return this.#inner.getNextVersion(current);
  }

  override getDeltaChannelHistory(
    options: Parameters<BaseCheckpointSaver["getDeltaChannelHistory"]>[0],
  ): ReturnType<BaseCheckpointSaver["getDeltaChannelHistory"]> {
    return this.#inner.getDeltaChannelHistory(options);
  }

  /** Before each write; what was read before it is of no use after it. */
  #refuseWhenSealed(): void {
    this.#peeked = undefined;
    if (this.#isSealed) throw new Error("The run has ended; this write came too late and was refused.");
  }

  async #watch<T>(operation: Promise<T>): Promise<T> {
    this.#inFlight.add(operation);
    try {
      return await operation;
    } catch (error) {
      if (error instanceof HoldfastError && this.#failure === undefined) {
        this.#failure = error;
        this.#rejectIdWaiters(error);
        this.#hooks.onFailure?.(error);
      }
      throw error;
    } finally {
      this.#inFlight.delete(operation);
    }
  }
}
