// A read-only view of a checkpointer for taking snapshots: shows which tasks are really pending, and refuses writes.
import type { RunnableConfig } from "@langchain/core/runnables";
import { BaseCheckpointSaver, type CheckpointListOptions, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import { INTERRUPT_CHANNEL, LEDGER_CHANNEL, outputTaskIds, RESUME_CHANNEL } from "./pending-writes.ts";

/**
 * LangGraph takes every write of a task for its output when it works out what comes next, an answer to its first question too, so
 * that a task which then asked a second one would count as done; and it goes on showing questions that were answered.
 */
function withoutSettledWrites(tuple: CheckpointTuple): CheckpointTuple {
  const { pendingWrites } = tuple;
  if (pendingWrites === undefined || pendingWrites.length === 0) return tuple;
  const finished = outputTaskIds(pendingWrites);
  return {
    ...tuple,
    pendingWrites: pendingWrites.filter(
      ([taskId, channel]) =>
        channel !== RESUME_CHANNEL &&
        channel !== LEDGER_CHANNEL &&
        !(channel === INTERRUPT_CHANNEL && finished.has(taskId)),
    ),
  };
}

export class SnapshotSaver extends BaseCheckpointSaver {
  readonly #inner: BaseCheckpointSaver;

  constructor(inner: BaseCheckpointSaver) {
    super(inner.serde);
    this.#inner = inner;
  }

  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const tuple = await this.#inner.getTuple(config);
    return tuple === undefined ? undefined : withoutSettledWrites(tuple);
  }

  override async *list(config: RunnableConfig, options?: CheckpointListOptions): AsyncGenerator<CheckpointTuple> {
    for await (const tuple of this.#inner.list(config, options)) yield withoutSettledWrites(tuple);
  }

  override put(): Promise<RunnableConfig> {
    return Promise.reject(new Error("A snapshot cannot be written to."));
  }

  override putWrites(): Promise<void> {
    return Promise.reject(new Error("A snapshot cannot be written to."));
  }

  override deleteThread(): Promise<void> {
    return Promise.reject(new Error("A snapshot cannot be written to."));
  }

  override getNextVersion(current: number | undefined): number {
    return this.#inner.getNextVersion(current);
  }

  override getDeltaChannelHistory(
    options: Parameters<BaseCheckpointSaver["getDeltaChannelHistory"]>[0],
  ): ReturnType<BaseCheckpointSaver["getDeltaChannelHistory"]> {
    return this.#inner.getDeltaChannelHistory(options);
  }
}
