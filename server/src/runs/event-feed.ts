// Feeds the streams of many runs to many followers of this process: subscribe, backfill from rows, follow, drop duplicates.

import { DatabaseUnavailableError } from "../domain/errors.ts";
import type { EventBus, LocalEnd, RunSignal } from "../domain/ports/event-bus.ts";
import type { EventLog } from "../domain/ports/run-queue.ts";
import { isTerminal } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { EVENT_READ_COUNT_MAX, FEED_READ_RUNS_MAX } from "./limits.ts";
import { pause } from "./retry.ts";
import type { RunListener } from "./run-engine.ts";

interface Follower {
  /** Number of the next event it needs; infinite for those who only wait for the end. */
  nextSeq: number;
  listener: FeedListener;
}

/** A listener may also learn the run's result where it travelled by memory. */
export interface FeedListener extends Omit<RunListener, "ended"> {
  ended(end?: LocalEnd): void;
}

/** One followed run. */
interface Feed {
  runId: string;
  followers: Set<Follower>;
  unsubscribe: () => void;
  /** Whether the status must be looked at with the next read. */
  isStatusWanted: boolean;
  /**
   * How often workers have yet to be told that somebody follows its events: when the first follower comes, and once more with
   * the first events, for their worker may not have been there at that time.
   */
  announcementsLeft: number;
}

const RETRY_PAUSE_MS = 500;
const ANNOUNCEMENT_COUNT = 2;

export class EventFeed implements Disposable {
  readonly #log: EventLog;
  readonly #bus: EventBus;
  readonly #feeds = new Map<string, Feed>();
  readonly #timer: NodeJS.Timeout;
  #wanted = new Set<Feed>();
  #reading: Promise<void> | undefined;

  constructor(options: { log: EventLog; bus: EventBus; pollIntervalMs: number }) {
    this.#log = options.log;
    this.#bus = options.bus;
    this.#timer = setInterval(() => this.#pollAll(), options.pollIntervalMs);
    this.#timer.unref();
  }

  /**
   * Follows from after `afterSeq`; with `isFresh` the rows are not read until there is a signal (the run was just created here).
   * Workers are told that the run is followed, unless its row `isKnownFollowed` says so.
   */
  follow(
    runId: string,
    afterSeq: number,
    listener: FeedListener,
    options: { isFresh: boolean; isKnownFollowed?: boolean },
  ): () => void {
    const feed = this.#feeds.get(runId) ?? this.#open(runId);
    const follower: Follower = { nextSeq: afterSeq + 1, listener };
    feed.followers.add(follower);
    if (options.isKnownFollowed === true) feed.announcementsLeft = 0;
    if (feed.announcementsLeft === ANNOUNCEMENT_COUNT && Number.isFinite(follower.nextSeq)) this.#announce(feed);
    if (!options.isFresh) this.#want(feed, true);
    return () => this.#drop(feed, follower);
  }

  /** Hears only of the run's end. */
  followEnd(
    runId: string,
    onEnded: (end?: LocalEnd) => void,
    onFailed: (error: unknown) => void,
    options: { isFresh: boolean },
  ): () => void {
    const listener: FeedListener = { events: () => undefined, ended: onEnded, failed: onFailed };
    return this.follow(runId, Number.POSITIVE_INFINITY, listener, options);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const feed of this.#feeds.values()) feed.unsubscribe();
    this.#feeds.clear();
  }

  #open(runId: string): Feed {
    const feed: Feed = {
      runId,
      followers: new Set(),
      unsubscribe: () => undefined,
      isStatusWanted: false,
      announcementsLeft: ANNOUNCEMENT_COUNT,
    };
    feed.unsubscribe = this.#bus.subscribeRun(runId, (signal) => this.#onSignal(feed, signal));
    this.#feeds.set(runId, feed);
    return feed;
  }

  #announce(feed: Feed): void {
    feed.announcementsLeft--;
    this.#bus.publishFollowed(feed.runId);
  }

  #drop(feed: Feed, follower: Follower): void {
    feed.followers.delete(follower);
    if (feed.followers.size === 0) this.#close(feed);
  }

  #close(feed: Feed): void {
    feed.unsubscribe();
    if (this.#feeds.get(feed.runId) === feed) this.#feeds.delete(feed.runId);
  }

  #onSignal(feed: Feed, signal: RunSignal): void {
    if (signal.kind === "events" && signal.events !== undefined) {
      if (!this.#deliver(feed, signal.events)) this.#want(feed, false);
    } else if (signal.kind === "ended" && signal.end !== undefined) {
      this.#endFollowers(feed, feed.followers, signal.end);
      if (feed.followers.size > 0) this.#want(feed, true);
    } else {
      this.#want(feed, signal.kind === "ended");
    }
  }

  /** Hands each follower what it has not had; false when somebody misses events before these. */
  #deliver(feed: Feed, events: StreamEvent[]): boolean {
    const first = events[0];
    if (first === undefined) return true;
    if (feed.announcementsLeft === 1) this.#announce(feed);
    let isComplete = true;
    for (const follower of [...feed.followers]) {
      if (follower.nextSeq === Number.POSITIVE_INFINITY) continue;
      if (first.seq > follower.nextSeq) {
        isComplete = false;
        continue;
      }
      const fresh = first.seq === follower.nextSeq ? events : events.filter((event) => event.seq >= follower.nextSeq);
      if (fresh.length === 0) continue;
      follower.nextSeq = fresh[fresh.length - 1]!.seq + 1;
      follower.listener.events(fresh);
    }
    return isComplete;
  }

  /** Ends the followers that have everything; without `end` it is known from the rows that these have. */
  #endFollowers(feed: Feed, followers: Iterable<Follower>, end?: LocalEnd): void {
    for (const follower of [...followers]) {
      if (end !== undefined && follower.nextSeq <= end.lastSeq) continue;
      if (feed.followers.delete(follower)) follower.listener.ended(end);
    }
    if (feed.followers.size === 0) this.#close(feed);
  }

  #pollAll(): void {
    for (const feed of this.#feeds.values()) this.#want(feed, true);
  }

  #want(feed: Feed, isStatusWanted: boolean): void {
    if (isStatusWanted) feed.isStatusWanted = true;
    this.#wanted.add(feed);
    this.#reading ??= this.#readWhileWanted().finally(() => {
      this.#reading = undefined;
    });
  }

  async #readWhileWanted(): Promise<void> {
    // Signals of the same turn of the event loop go into one query.
    await Promise.resolve();
    while (this.#wanted.size > 0) {
      const feeds = [...this.#wanted].slice(0, FEED_READ_RUNS_MAX).filter((feed) => feed.followers.size > 0);
      for (const feed of feeds) this.#wanted.delete(feed);
      for (const feed of this.#wanted) if (feed.followers.size === 0) this.#wanted.delete(feed);
      if (feeds.length === 0) continue;
      try {
        await this.#read(feeds);
      } catch (error) {
        if (error instanceof DatabaseUnavailableError) {
          for (const feed of feeds) {
            feed.isStatusWanted = true;
            this.#wanted.add(feed);
          }
          await pause(RETRY_PAUSE_MS);
        } else {
          for (const feed of feeds) this.#fail(feed, error);
        }
      }
    }
  }

  /** Statuses are read before events: a run seen ended has all its events in the rows, for both are one transaction. */
  async #read(feeds: Feed[]): Promise<void> {
    const checked = feeds.filter((feed) => feed.isStatusWanted);
    for (const feed of checked) feed.isStatusWanted = false;
    const statuses = checked.length === 0 ? undefined : await this.#log.readStatuses(checked.map((feed) => feed.runId));
    // Who joins while the events are read has not had them, and asks for a read of its own.
    const readers = new Map(feeds.map((feed) => [feed, [...feed.followers]]));
    const cursors = feeds
      .map((feed) => ({
        runId: feed.runId,
        afterSeq: Math.min(...[...feed.followers].map((follower) => follower.nextSeq)) - 1,
      }))
      .filter((cursor) => Number.isFinite(cursor.afterSeq));
    const pages = cursors.length === 0 ? undefined : await this.#log.readEvents(cursors, EVENT_READ_COUNT_MAX);
    for (const feed of feeds) {
      const page = pages?.get(feed.runId);
      this.#deliver(feed, page?.events ?? []);
      const isMore = page?.isMore === true;
      const isChecked = statuses !== undefined && checked.includes(feed);
      const status = statuses?.get(feed.runId);
      if (isMore) this.#want(feed, isChecked);
      else if (isChecked && (status === undefined || isTerminal(status))) {
        this.#endFollowers(feed, readers.get(feed) ?? []);
      }
    }
  }

  #fail(feed: Feed, error: unknown): void {
    for (const follower of feed.followers) follower.listener.failed(error);
    feed.followers.clear();
    this.#close(feed);
  }
}
