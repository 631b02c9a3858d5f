// One follower of one thread's tape: what is there first, then each run as it comes, without gap or repeat and across runs.
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { ThreadTapeLog } from "../domain/ports/thread-tape.ts";
import { isTerminal } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import {
  blockOf,
  endEvent,
  firstSeqOf,
  lastSeqOf,
  logSeqAfter,
  startEvent,
  type TapeEvent,
  type TapeRun,
  toTapeEvent,
} from "../domain/thread-tape.ts";
import type { EventFeed } from "./event-feed.ts";
import { TAPE_READ_RUNS_MAX, TAPE_RETAINED_RUNS_MAX } from "./limits.ts";
import { untilDatabaseAnswers } from "./retry.ts";
import type { TapeFollowOptions, TapeListener } from "./tape-listener.ts";

export interface TapeSources {
  tape: ThreadTapeLog;
  feed: EventFeed;
  bus: EventBus;
}

export class TapeFollower {
  readonly threadId: string;
  readonly #sources: TapeSources;
  readonly #listener: TapeListener;
  readonly #options: TapeFollowOptions;
  readonly #stopped = new AbortController();
  /** Number of the last event handed over. */
  #seq: number;
  #isNewsWaiting = false;
  /** Set while it waits: for another run, or for the end of the run it follows. */
  #wake: ((isStopped: boolean) => void) | undefined;

  constructor(threadId: string, listener: TapeListener, options: TapeFollowOptions, sources: TapeSources) {
    this.threadId = threadId;
    this.#listener = listener;
    this.#options = options;
    this.#sources = sources;
    this.#seq = typeof options.since === "number" ? options.since : -1;
  }

  /** The block it has come to; 0 before the first. */
  get block(): number {
    return Math.max(0, blockOf(this.#seq));
  }

  /** There may be another run. */
  notice(): void {
    this.#isNewsWaiting = true;
    this.#wake?.(false);
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake?.(true);
  }

  /** Follows until it is stopped. */
  async run(): Promise<void> {
    const unsubscribe = this.#sources.bus.subscribeRun(this.threadId, () => this.notice());
    try {
      if (this.#options.since === "now") await this.#skipEnded();
      while (!this.#isStopped) {
        this.#isNewsWaiting = false;
        const runs = await this.#readRuns();
        for (const run of runs) await this.#followRun(run);
        if (runs.length === 0) await this.#waitForNews();
      }
    } catch (error) {
      if (!this.#isStopped) this.#listener.failed(error);
    } finally {
      unsubscribe();
    }
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #skipEnded(): Promise<void> {
    const read = () => this.#sources.tape.findNewestTapeRun(this.threadId);
    const newest = await untilDatabaseAnswers(read, this.#stopped.signal);
    if (newest === undefined) return;
    this.#seq = isTerminal(newest.status) ? lastSeqOf(newest.block) : firstSeqOf(newest.block) - 1;
  }

  #readRuns(): Promise<TapeRun[]> {
    const block = this.block;
    const isDone = this.#seq === lastSeqOf(block);
    const limits = { countMax: TAPE_READ_RUNS_MAX, retainedCount: TAPE_RETAINED_RUNS_MAX };
    const read = () => this.#sources.tape.readTapeRuns(this.threadId, isDone ? block : block - 1, limits);
    return untilDatabaseAnswers(read, this.#stopped.signal);
  }

  async #waitForNews(): Promise<void> {
    if (this.#isNewsWaiting || this.#isStopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = () => resolve();
    });
    this.#wake = undefined;
  }

  async #followRun(run: TapeRun): Promise<void> {
    if (this.#isStopped) return;
    await this.#options.checkAccess?.();
    this.#handOver([startEvent(run)]);
    await this.#followLog(run);
    if (this.#isStopped) return;
    this.#handOver([endEvent(isTerminal(run.status) ? run : await this.#readEnded(run))]);
  }

  /** A run that was rolled back is gone; for those who saw it begin it was interrupted. */
  async #readEnded(run: TapeRun): Promise<TapeRun> {
    const found = await untilDatabaseAnswers(() => this.#sources.tape.findTapeRun(run.runId), this.#stopped.signal);
    return found ?? { ...run, status: "interrupted", endedAt: new Date() };
  }

  async #followLog(run: TapeRun): Promise<void> {
    const { toEvent = toTapeEvent } = this.#options;
    let stop: (() => void) | undefined;
    await new Promise<void>((resolve, reject) => {
      const listener = {
        events: (batch: StreamEvent[]) => this.#handOver(batch.flatMap((event) => toEvent(run, event) ?? [])),
        ended: () => resolve(),
        failed: reject,
      };
      stop = this.#sources.feed.follow(run.runId, logSeqAfter(run.block, this.#seq), listener, { isFresh: false });
      this.#wake = (isStopped) => {
        if (isStopped) resolve();
      };
    });
    this.#wake = undefined;
    stop?.();
  }

  #handOver(events: TapeEvent[]): void {
    const fresh = events.filter(({ seq }) => seq > this.#seq);
    if (fresh.length === 0 || this.#isStopped) return;
    this.#seq = fresh.at(-1)!.seq;
    this.#listener.events(fresh);
  }
}
