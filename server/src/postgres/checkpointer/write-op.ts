// One put or putWrites on its way to the database.
import type { Fence } from "../../domain/ports/run-queue.ts";
import type { ItemSlot } from "./item-memory.ts";
import type { Segment } from "./list-segments.ts";

/** A row of checkpoint. */
export interface CheckpointRow {
  readonly checkpointNs: string;
  readonly checkpointId: string;
  readonly parentId: string | undefined;
  readonly body: string;
  /** Names of the channels in the body. */
  readonly channels: readonly string[];
  readonly metadata: string;
  readonly lists: readonly Segment[][];
}

/** A row of checkpoint_write. */
export interface WriteRow {
  readonly checkpointNs: string;
  readonly checkpointId: string;
  readonly taskId: string;
  readonly idx: number;
  readonly taskPath: string;
  readonly body: string;
  readonly lists: readonly Segment[][];
}

/** A row of checkpoint_item; its place is in the slot, because it can change until it is stored. */
export interface NewItem {
  readonly slot: ItemSlot;
  text: string;
}

/** One put or putWrites: takes effect as a whole or not at all. */
export class WriteOp {
  readonly threadId: string;
  readonly fence: Fence | undefined;
  checkpoint: CheckpointRow | undefined = undefined;
  readonly writes: WriteRow[] = [];
  readonly items: NewItem[] = [];
  /** Writes whose items this one refers to: it must not be stored before them. */
  readonly dependencies = new Set<WriteOp>();
  /** Writes of the same key take effect in the order they were made. */
  orderKey = "";
  isSettled = false;
  /** Why nothing of it was stored. */
  failure: unknown = undefined;

  constructor(threadId: string, fence: Fence | undefined) {
    this.threadId = threadId;
    this.fence = fence;
  }

  /** Characters to be sent, roughly. */
  get size(): number {
    let size = this.checkpoint === undefined ? 0 : this.checkpoint.body.length + this.checkpoint.metadata.length;
    for (const write of this.writes) size += write.body.length;
    for (const item of this.items) size += item.text.length;
    return size;
  }
}
