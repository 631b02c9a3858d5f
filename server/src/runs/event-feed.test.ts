// The event feed under any order of signals: lost, late, repeated, with and without the events themselves.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { DatabaseUnavailableError } from "../domain/errors.ts";
import type { EventCursor, EventLog, EventPage } from "../domain/ports/run-queue.ts";
import type { RunStatus } from "../domain/run.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import { LocalBus } from "../event-bus/local-bus.ts";
import { EventFeed } from "./event-feed.ts";

/** The rows of some runs, readable a few at a time. */
class RowsOfRuns implements EventLog {
  readonly events = new Map<string, StreamEvent[]>();
  readonly statuses = new Map<string, RunStatus>();
  failuresLeft = 0;
  readCount = 0;

  append(runId: string, count: number): StreamEvent[] {
    const rows = this.events.get(runId) ?? [];
    const added = Array.from({ length: count }, (_, index) => ({
      seq: rows.length + index,
      event: "values",
      data: "{}",
    }));
    this.events.set(runId, [...rows, ...added]);
    return added;
  }

  async readEvents(cursors: EventCursor[], countMax: number): Promise<Map<string, EventPage>> {
    this.readCount++;
    if (this.failuresLeft-- > 0) throw new DatabaseUnavailableError("away");
    return new Map(
      cursors.map(({ runId, afterSeq }) => {
        const events = (this.events.get(runId) ?? [])
          .filter((event) => event.seq > afterSeq)
          .slice(0, Math.min(countMax, 3));
        return [runId, { events, isMore: events.length === 3 }];
      }),
    );
  }

  async readStatuses(runIds: string[]): Promise<Map<string, RunStatus>> {
    return new Map(
      runIds.flatMap((runId) => (this.statuses.has(runId) ? [[runId, this.statuses.get(runId)!] as const] : [])),
    );
  }

  async appendEvents(): Promise<void> {}

  async readOutcome(): Promise<undefined> {
    return undefined;
  }
}

function follow(feed: EventFeed, runId: string, afterSeq = -1) {
  const seen: number[] = [];
  let endedCount = 0;
  const listener = {
    events: (batch: StreamEvent[]) => {
      expect(endedCount, "an event after the end").toBe(0);
      seen.push(...batch.map((event) => event.seq));
    },
    ended: () => {
      endedCount++;
    },
    failed: (error: unknown) => expect.fail(String(error)),
  };
  const stop = feed.follow(runId, afterSeq, listener, { isFresh: false });
  return { seen, stop, ended: () => endedCount };
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

type Signal = "with events" | "hint" | "lost" | "repeated";

describe("the event feed", () => {
  it("hands every follower each event once, in order, and one end, whatever becomes of the signals", async () => {
    const signals = fc.array(
      fc.record({
        count: fc.integer({ min: 1, max: 5 }),
        signal: fc.constantFrom<Signal>("with events", "hint", "lost", "repeated"),
        joins: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(signals, fc.constantFrom("known", "hint", "lost"), async (steps, endSignal) => {
        const rows = new RowsOfRuns();
        const bus = new LocalBus();
        using feed = new EventFeed({ log: rows, bus, pollIntervalMs: 5 });
        rows.statuses.set("r", "running");
        const followers = [{ from: 0, ...follow(feed, "r") }];
        for (const { count, signal, joins } of steps) {
          const added = rows.append("r", count);
          if (signal === "with events" || signal === "repeated") bus.publishEvents("r", added);
          if (signal === "repeated") bus.publishEvents("r", added);
          if (signal === "hint") bus.hintEvents("r");
          const last = rows.events.get("r")!.length - 1;
          if (joins) followers.push({ from: last, ...follow(feed, "r", last - 1) });
          if (signal === "hint") await Promise.resolve();
        }
        rows.statuses.set("r", "success");
        const lastSeq = (rows.events.get("r")?.length ?? 0) - 1;
        if (endSignal === "known") bus.publishEnded("r", { lastSeq, readResultJson: () => "{}" });
        if (endSignal === "hint") bus.publishEnded("r");
        await vi.waitFor(() => expect(followers.every((follower) => follower.ended() === 1)).toBe(true), {
          timeout: 5_000,
          interval: 1,
        });
        for (const follower of followers) expect(follower.seen).toEqual(from(follower.from, lastSeq));
      }),
      { numRuns: 150 },
    );
  });

  it("waits out a database that is away", async () => {
    const rows = new RowsOfRuns();
    using feed = new EventFeed({ log: rows, bus: new LocalBus(), pollIntervalMs: 60_000 });
    rows.append("r", 2);
    rows.statuses.set("r", "success");
    rows.failuresLeft = 1;
    const follower = follow(feed, "r");
    await vi.waitFor(() => expect(follower.ended()).toBe(1), { timeout: 5_000 });
    expect(follower.seen).toEqual([0, 1]);
  });

  it("reads for many followed runs in one query and for nobody once they have gone", async () => {
    const rows = new RowsOfRuns();
    const bus = new LocalBus();
    using feed = new EventFeed({ log: rows, bus, pollIntervalMs: 60_000 });
    const runIds = from(1, 200).map((number) => `r${number}`);
    for (const runId of runIds) rows.statuses.set(runId, "running");
    const followers = runIds.map((runId) => follow(feed, runId));
    await vi.waitFor(() => expect(rows.readCount).toBeGreaterThan(0));
    const readBefore = rows.readCount;
    for (const runId of runIds) rows.append(runId, 1);
    for (const runId of runIds) bus.hintEvents(runId);
    await vi.waitFor(() => expect(followers.every((follower) => follower.seen.length === 1)).toBe(true));
    expect(rows.readCount - readBefore).toBeLessThanOrEqual(2);
    for (const follower of followers) follower.stop();
    const readAfter = rows.readCount;
    for (const runId of runIds) bus.hintEvents(runId);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(rows.readCount).toBe(readAfter);
  });

  it("ends a follower of a run that does not exist", async () => {
    using feed = new EventFeed({ log: new RowsOfRuns(), bus: new LocalBus(), pollIntervalMs: 60_000 });
    const follower = follow(feed, "gone");
    await vi.waitFor(() => expect(follower.ended()).toBe(1));
  });
});
