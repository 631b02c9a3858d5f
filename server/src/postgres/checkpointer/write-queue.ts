// Sends puts and putWrites to the database: alone when there is time, together in one statement when many wait.

import { LeaseLostError } from "../../domain/errors.ts";
import { cipherOf } from "../content/cipher-of.ts";
import { isDatabaseUnavailable, isUniqueViolation } from "../pg-errors.ts";
import type { Queryable } from "../statement.ts";
import type { WriteOp } from "./write-op.ts";
import { type FenceMode, writeStatement } from "./write-statement.ts";

/** Batches on their way at a time: enough to keep the database busy, few enough that batches form under load. */
const BATCHES_IN_FLIGHT_MAX = 3;
/** Threads whose operations are stored one by one at a time; each may wait for a lock on a connection of its own. */
const LANES_MAX = 3;
/** How long a database that is away is waited for: a restart takes seconds, and a lease should not be outlived. */
const UNAVAILABLE_MAX_MS = 8_000;
const UNAVAILABLE_DELAY_MS = 150;
/** Operations in one batch at most. */
const BATCH_OPS_MAX = 64;
/** Characters in one batch at most, unless a single operation is larger. */
const BATCH_CHARS_MAX = 1024 * 1024;
/** Attempts to find a place for an operation's items. The first new list is practically always free. */
const RELOCATIONS_MAX = 3;
/** PostgreSQL's code for a deadlock it has ended. */
const DEADLOCK = "40P01";

interface Waiting {
  readonly op: WriteOp;
  readonly relocate: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const queues = new WeakMap<object, WriteQueue>();

/** The queue of a pool, shared by all savers on it. */
export function writeQueueOf(pool: Queryable): WriteQueue {
  let queue = queues.get(pool);
  if (queue === undefined) {
    queue = new WriteQueue(pool);
    queues.set(pool, queue);
  }
  return queue;
}

export class WriteQueue {
  readonly #pool: Queryable;
  #waiting: Waiting[] = [];
  readonly #busyKeys = new Set<string>();
  /** Operations that are stored by themselves, by thread. */
  readonly #lanes = new Map<string, { waiting: Waiting; mode: FenceMode }[]>();
  readonly #lanesRunning = new Set<string>();
  #inFlight = 0;
  #isScheduled = false;

  constructor(pool: Queryable) {
    this.#pool = pool;
  }

  /**
   * Stores an operation; resolves when it is committed.
   * @param relocate finds another place for its items, after another writer took theirs.
   * @throws LeaseLostError if its fence no longer holds; nothing of it was stored then.
   */
  submit(op: WriteOp, relocate: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ op, relocate, resolve, reject });
      this.#schedule();
    });
  }

  /** Waits for the end of the current turn of the event loop, so that writes made together travel together. */
  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= BATCHES_IN_FLIGHT_MAX) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      while (this.#inFlight < BATCHES_IN_FLIGHT_MAX) {
        const batch = this.#takeBatch();
        if (batch.length === 0) break;
        void this.#run(batch);
      }
    });
  }

  /** The next operations that may travel together, in order. */
  #takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const taken = new Set<WriteOp>();
    const epochs = new Map<string, string>();
    let size = 0;
    for (const waiting of this.#waiting) {
      const { op } = waiting;
      if (this.#failWithDependency(waiting)) continue;
      const fits = batch.length < BATCH_OPS_MAX && (batch.length === 0 || size + op.size <= BATCH_CHARS_MAX);
      if (fits && this.#mayJoin(op, batch[0]?.op, taken, epochs)) {
        batch.push(waiting);
        taken.add(op);
        size += op.size;
        this.#busyKeys.add(op.orderKey);
        if (op.fence !== undefined) epochs.set(op.fence.threadId, op.fence.epoch);
      } else left.push(waiting);
    }
    this.#waiting = left;
    return batch;
  }

  /** An operation cannot be stored if one whose items it refers to was not. */
  #failWithDependency(waiting: Waiting): boolean {
    for (const { failure } of waiting.op.dependencies) {
      if (failure === undefined) continue;
      this.#settle(waiting, failure);
      return true;
    }
    return false;
  }

  #mayJoin(op: WriteOp, first: WriteOp | undefined, taken: Set<WriteOp>, epochs: Map<string, string>): boolean {
    if (this.#busyKeys.has(op.orderKey)) return false;
    if (first !== undefined && (first.fence === undefined) !== (op.fence === undefined)) return false;
    for (const dependency of op.dependencies) if (!dependency.isSettled && !taken.has(dependency)) return false;
    const epoch = op.fence === undefined ? undefined : epochs.get(op.fence.threadId);
    return epoch === undefined || epoch === op.fence?.epoch;
  }

  async #run(batch: Waiting[]): Promise<void> {
    this.#inFlight++;
    const mode: FenceMode = batch[0]?.op.fence === undefined ? "none" : "skip";
    let alone: Waiting[] = [];
    try {
      const stored = await this.#send(batch, mode);
      alone = batch.filter((_, index) => !stored.has(index + 1));
      for (const [index, waiting] of batch.entries()) if (stored.has(index + 1)) this.#settle(waiting);
    } catch (error) {
      // Which of several is at fault is found out one by one, unless it is the database.
      if (canRetryAlone(error) || (batch.length > 1 && !isDatabaseUnavailable(error))) alone = batch;
      else for (const waiting of batch) this.#settle(waiting, error);
    }
    this.#inFlight--;
    this.#schedule();
    for (const waiting of alone) this.#addToLane(waiting, mode === "none" ? "none" : "wait");
  }

  /** Operations of one thread go one after the other, since a later one may refer to items of an earlier one. */
  #addToLane(waiting: Waiting, mode: FenceMode): void {
    const { threadId } = waiting.op;
    const lane = this.#lanes.get(threadId);
    if (lane !== undefined) lane.push({ waiting, mode });
    else {
      this.#lanes.set(threadId, [{ waiting, mode }]);
      this.#startLanes();
    }
  }

  #startLanes(): void {
    for (const [threadId, lane] of this.#lanes) {
      if (this.#lanesRunning.size >= LANES_MAX) return;
      if (this.#lanesRunning.has(threadId)) continue;
      this.#lanesRunning.add(threadId);
      void this.#runLane(threadId, lane);
    }
  }

  async #runLane(threadId: string, lane: { waiting: Waiting; mode: FenceMode }[]): Promise<void> {
    for (let next = lane.shift(); next !== undefined; next = lane.shift())
      await this.#runAlone(next.waiting, next.mode);
    this.#lanes.delete(threadId);
    this.#lanesRunning.delete(threadId);
    this.#startLanes();
  }

  /** Stores one operation by itself: waits for its thread's lock, and moves its items if they are in the way. */
  async #runAlone(waiting: Waiting, mode: FenceMode): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      if (this.#failWithDependency(waiting)) return;
      try {
        const stored = await this.#send([waiting], mode);
        const { fence, threadId } = waiting.op;
        this.#settle(waiting, stored.size === 1 ? undefined : new LeaseLostError(fence?.threadId ?? threadId));
        return;
      } catch (error) {
        if (attempt > RELOCATIONS_MAX || !canRetryAlone(error)) {
          this.#settle(waiting, error);
          return;
        }
        if (isUniqueViolation(error)) waiting.relocate();
      }
    }
  }

  /**
   * Sends a batch; again if the connection was lost or the server restarts. Nothing is stored twice: rows that an
   * unacknowledged attempt did store are replaced by the same, and items of it move.
   */
  async #send(batch: readonly Waiting[], mode: FenceMode): Promise<Set<number>> {
    const ops = batch.map(({ op }) => op);
    const deadline = Date.now() + UNAVAILABLE_MAX_MS;
    for (;;) {
      try {
        const result = await this.#pool.query<[string]>({
          ...writeStatement(ops, mode, cipherOf(this.#pool)),
          rowMode: "array",
        });
        return new Set(result.rows.map(([ordinal]) => Number(ordinal)));
      } catch (error) {
        if (!isDatabaseUnavailable(error) || Date.now() >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, UNAVAILABLE_DELAY_MS * (0.5 + Math.random())));
      }
    }
  }

  #settle(waiting: Waiting, error?: unknown): void {
    waiting.op.isSettled = true;
    waiting.op.failure = error;
    this.#busyKeys.delete(waiting.op.orderKey);
    if (error === undefined) waiting.resolve();
    else waiting.reject(error);
    if (this.#waiting.length > 0) this.#schedule();
  }
}

function canRetryAlone(error: unknown): boolean {
  return isUniqueViolation(error) || (error as { code?: unknown } | undefined)?.code === DEADLOCK;
}
