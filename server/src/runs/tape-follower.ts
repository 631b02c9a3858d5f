// One follower of one thread's tape: what is there first, then each run as it comes, without gap or repeat and across runs.
import { outcomeEvents, type TapeOutcome, toDerivedEvent } from "../domain/derived-tape.ts";
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
  /** What stood at the end of a run; `needsValues` where its own events do not show it. */
  readOutcome: (run: TapeRun, needsValues: boolean) => Promise<TapeOutcome>;
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

  /** Asks the thread's later runs for the protocol's events: the thread may not have been there when its follower came. */
  async #want(): Promise<void> {
    if (this.#options.toEvent !== undefined) return;
    await untilDatabaseAnswers(() => this.#sources.tape.wantTape(this.threadId), this.#stopped.signal);
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
    if (!isTerminal(run.status)) await this.#want();
    this.#handOver([startEvent(run)]);
    const methods = await this.#followLog(run);
    if (this.#isStopped) return;
    const ended = isTerminal(run.status) ? run : await this.#readEnded(run);
    this.#handOver([...(await this.#readRest(ended, methods)), endEvent(ended)]);
  }

  /** A run without the protocol's events may not have shown what it came to; its thread knows until the next run. */
  async #readRest(run: TapeRun, shown: ReadonlySet<string>): Promise<TapeEvent[]> {
    if (run.isTaped || this.#options.toEvent !== undefined) return [];
    const { tape, readOutcome } = this.#sources;
    const read = async () => {
      const newest = await tape.findNewestTapeRun(this.threadId);
      if (newest?.runId !== run.runId) return [];
      return outcomeEvents(run, await readOutcome(run, !shown.has("values")));
    };
    return untilDatabaseAnswers(read, this.#stopped.signal);
  }

  /** A run that was rolled back is gone; for those who saw it begin it was interrupted. */
  async #readEnded(run: TapeRun): Promise<TapeRun> {
    const found = await untilDatabaseAnswers(() => this.#sources.tape.findTapeRun(run.runId), this.#stopped.signal);
    return found ?? { ...run, status: "interrupted", endedAt: new Date() };
  }

  /** Returns the methods of the events that were in the log. */
  async #followLog(run: TapeRun): Promise<ReadonlySet<string>> {
    const { toEvent = run.isTaped ? toTapeEvent : toDerivedEvent } = this.#options;
    const methods = new Set<string>();
    let stop: (() => void) | undefined;
    await new Promise<void>((resolve, reject) => {
      const listener = {
        events: (batch: StreamEvent[]) => {
          const events = batch.flatMap((event) => toEvent(run, event) ?? []);
          for (const { method } of events) methods.add(method);
          this.#handOver(events);
        },
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
    return methods;
  }

  #handOver(events: TapeEvent[]): void {
    const fresh = events.filter(({ seq }) => seq > this.#seq);
    if (fresh.length === 0 || this.#isStopped) return;
    this.#seq = fresh.at(-1)!.seq;
    this.#listener.events(fresh);
  }
}
