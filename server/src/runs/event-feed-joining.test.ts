// The event feed against a log whose answers the test holds back: followers that come and go while rows are being read.
import { expect, it } from "vitest";
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { EventLog } from "../domain/ports/run-queue.ts";
import { EventFeed, type FeedListener } from "./event-feed.ts";

const RUN_ID = "run";
const EVENTS = [0, 1, 2].map((seq) => ({ seq, event: "custom", data: `${seq}` }));

/** The log of one ended run; each read of its events waits for `release`. */
function openHeldLog() {
  const waiting: (() => void)[] = [];
  let readCount = 0;
  const log = {
    readStatuses: async () => new Map([[RUN_ID, "success"]]),
    readEvents: async ([cursor]: { afterSeq: number }[]) => {
      readCount++;
      await new Promise<void>((resolve) => waiting.push(resolve));
      const events = EVENTS.filter(({ seq }) => seq > (cursor?.afterSeq ?? -1));
      return new Map([[RUN_ID, { events, isMore: false }]]);
    },
  } as unknown as EventLog;
  return { log, reads: () => readCount, release: () => waiting.shift()?.() };
}

function record(): FeedListener & { seqs: number[]; isEnded: boolean } {
  const listener = {
    seqs: [] as number[],
    isEnded: false,
    events: (events: { seq: number }[]) => void listener.seqs.push(...events.map(({ seq }) => seq)),
    ended: () => {
      listener.isEnded = true;
    },
    failed: (error: unknown) => {
      throw error;
    },
  };
  return listener;
}

it("does not end a follower that joined while the last events were read for others", async () => {
  const { log, reads, release } = openHeldLog();
  const bus = { subscribeRun: () => () => undefined, publishFollowed: () => undefined } as unknown as EventBus;
  using feed = new EventFeed({ log, bus, pollIntervalMs: 60_000 });
  const [first, second] = [record(), record()];
  feed.follow(RUN_ID, 1, first, { isFresh: false });
  await expect.poll(reads).toBe(1);
  feed.follow(RUN_ID, -1, second, { isFresh: false });
  release();
  await expect.poll(() => first.isEnded).toBe(true);
  expect(first.seqs).toEqual([2]);
  await expect.poll(reads).toBe(2);
  release();
  await expect.poll(() => second.isEnded).toBe(true);
  expect(second.seqs).toEqual([0, 1, 2]);
});
