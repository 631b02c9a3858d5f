// Knows roughly how many runs wait, so that a full queue is refused without counting on every request.
import type { RunQueue } from "../domain/ports/run-queue.ts";

const REFRESH_INTERVAL_MS = 1_000;

export class QueueDepth {
  readonly #queue: RunQueue;
  readonly #depthMax: number;
  #depth = 0;
  #countedAtMs = Number.NEGATIVE_INFINITY;

  constructor(queue: RunQueue, depthMax: number) {
    this.#queue = queue;
    this.#depthMax = depthMax;
  }

  /** A run was queued by this process since the last count. */
  added(): void {
    this.#depth++;
  }

  /** Counted at most once a second and only while this process queues runs; others' runs show with the next count. */
  async isFull(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs - this.#countedAtMs > REFRESH_INTERVAL_MS) {
      this.#countedAtMs = nowMs;
      this.#depth = await this.#queue.countPending(this.#depthMax + 1);
    }
    return this.#depth >= this.#depthMax;
  }
}
