// What every event bus promises, whatever carries it: one suite for all of them.
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { EventBus, RunSignal } from "../domain/ports/event-bus.ts";
import type { StreamEvent } from "../domain/stream-event.ts";

/** Two ends of one bus: two processes, or for a bus of one process the same object twice. */
export interface BusPair {
  near: EventBus;
  far: EventBus;
}

const HEARD_MAX_MS = 10_000;
const MANY_RUNS = 300;
/** So long nothing must arrive for quiet. */
const QUIET_MS = 60;

const eventsFrom = (first: number, count: number): StreamEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    seq: first + index,
    event: "custom|sub:1",
    data: `{"text":"token ${first + index} \\n ${"é".repeat((first + index) % 7)}"}`,
  }));

/** What a listener heard: events that travelled by the bus, ends, and bare hints to look at the rows. */
function listen(bus: EventBus, runId: string) {
  const heard = { events: [] as StreamEvent[], hints: 0, ends: 0, log: [] as RunSignal[] };
  const stop = bus.subscribeRun(runId, (signal) => {
    heard.log.push(signal);
    if (signal.kind === "ended") heard.ends++;
    else if (signal.events === undefined) heard.hints++;
    else heard.events.push(...signal.events.map(({ seq, event, data }) => ({ seq, event, data })));
  });
  return { heard, stop };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: HEARD_MAX_MS, interval: 2 });

/** Waits until everything said so far has gone both ways: what would arrive twice has arrived by then. */
async function exchange({ near, far }: BusPair): Promise<void> {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    const id = mintId();
    const heard = vi.fn();
    const stop = to.subscribeCancel((runId) => runId === id && heard());
    from.publishCancel(id, "interrupt");
    await until(() => expect(heard).toHaveBeenCalled());
    stop();
  }
}

/** Says something again and again until it is heard: a bus may need a moment to learn how the other end listens. */
async function untilCarried({ near, far }: BusPair): Promise<void> {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    const heard = vi.fn();
    const stop = to.subscribePending(heard);
    await until(() => {
      from.publishPending();
      expect(heard).toHaveBeenCalled();
    });
    stop();
  }
  await exchange({ near, far });
}

/** Waits until subscriptions have taken effect and nothing more arrives. */
async function settle(pair: BusPair, listeners: { heard: { log: RunSignal[] } }[]): Promise<void> {
  const count = () => listeners.reduce((sum, { heard }) => sum + heard.log.length, 0);
  await exchange(pair);
  for (let before = -1; before !== count(); await sleep(QUIET_MS)) before = count();
}

/** Each with a pair of its own. */
const PROMISES: Record<string, (pair: BusPair) => Promise<void>> = {
  "within the process events arrive at once, in order, once, with no echo from outside": async (pair) => {
    const runId = mintId();
    const { heard } = listen(pair.near, runId);
    await settle(pair, [{ heard }]);
    const hintsBefore = heard.log.length;
    pair.near.publishEvents(runId, eventsFrom(0, 3));
    pair.near.publishEvents(runId, eventsFrom(3, 2));
    pair.near.publishEnded(runId, { lastSeq: 4, readResultJson: () => '{"a":1}' });
    expect(heard.events).toEqual(eventsFrom(0, 5));
    expect(heard.log.at(-1)).toMatchObject({ kind: "ended", end: { lastSeq: 4 } });
    await exchange(pair);
    expect(heard.log.length - hintsBefore).toBe(3);
  },

  "between processes events arrive in order and once, or a hint that there are some; the end comes last": async (
    pair,
  ) => {
    const runId = mintId();
    const { heard } = listen(pair.far, runId);
    await settle(pair, [{ heard }]);
    const endsBefore = heard.ends;
    for (let turn = 0; turn < 20; turn++) pair.near.publishEvents(runId, eventsFrom(turn * 5, 5));
    pair.near.publishEnded(runId, { lastSeq: 99, readResultJson: () => "{}" });
    await until(() => expect(heard.ends).toBeGreaterThan(endsBefore));
    await exchange(pair);
    if (heard.hints === 0) expect(heard.events).toEqual(eventsFrom(0, 100));
    else expect(heard.events).toEqual([]);
    expect(heard.log.at(-1)?.kind).toBe("ended");
    expect(heard.ends - endsBefore).toBe(1);
  },

  "an event too long to be carried, or one not written out yet, is hinted at": async (pair) => {
    const runId = mintId();
    const { heard } = listen(pair.far, runId);
    await settle(pair, [{ heard }]);
    const long = { seq: 0, event: "values", data: JSON.stringify("x".repeat(1_000_000)) };
    const stored = { threadId: mintId(), checkpointIds: {} };
    const lazy = { seq: 1, event: "values", data: "{}", stored: { data: "{}", omitted: stored } };
    pair.near.publishEvents(runId, [long]);
    pair.near.publishEvents(runId, [lazy]);
    await until(() => expect(heard.hints + heard.events.length).toBeGreaterThan(0));
    await exchange(pair);
    if (pair.near !== pair.far) expect(heard.events).toEqual([]);
  },

  "waiting runs, followed runs and cancels are heard on both ends, the action with them": async (pair) => {
    const ids = [mintId(), mintId()] as const;
    const followed = { near: vi.fn(), far: vi.fn() };
    const pending = { near: vi.fn(), far: vi.fn() };
    const cancels = { near: vi.fn(), far: vi.fn() };
    for (const end of ["near", "far"] as const) {
      pair[end].subscribePending(pending[end]);
      pair[end].subscribeFollowed(followed[end]);
      pair[end].subscribeCancel(cancels[end]);
    }
    pair.near.publishFollowed(ids[0]);
    pair.near.publishPending();
    pair.near.publishCancel(ids[0], "interrupt");
    pair.near.publishCancel(ids[1], "rollback");
    await until(() => expect(cancels.far).toHaveBeenCalledWith(ids[1], "rollback"));
    await exchange(pair);
    for (const end of ["near", "far"] as const) {
      expect(pending[end]).toHaveBeenCalledTimes(1);
      expect(followed[end].mock.calls).toEqual([[ids[0]]]);
      expect(cancels[end].mock.calls.filter(([id]) => ids.includes(id))).toEqual([
        [ids[0], "interrupt"],
        [ids[1], "rollback"],
      ]);
    }
  },

  "who has left hears nothing more; who listens to the same run still does": async (pair) => {
    const runId = mintId();
    const leaver = listen(pair.far, runId);
    const stayer = listen(pair.far, runId);
    const onPending = vi.fn();
    const stopPending = pair.far.subscribePending(onPending);
    await settle(pair, [leaver, stayer]);
    leaver.stop();
    leaver.stop();
    stopPending();
    const before = leaver.heard.log.length;
    pair.near.publishEvents(runId, eventsFrom(0, 1));
    pair.near.publishPending();
    await until(() => expect(stayer.heard.hints + stayer.heard.events.length).toBeGreaterThan(0));
    await exchange(pair);
    expect(leaver.heard.log.length).toBe(before);
    expect(onPending).not.toHaveBeenCalled();

    stayer.stop();
    const again = listen(pair.far, runId);
    await settle(pair, [again]);
    pair.near.publishEvents(runId, eventsFrom(1, 1));
    await until(() => expect(again.heard.hints + again.heard.events.length).toBeGreaterThan(0));
  },

  [`${MANY_RUNS} runs at once: each listener hears of its own run alone`]: async (pair) => {
    const runs = Array.from({ length: MANY_RUNS }, () => mintId());
    const listeners = runs.map((runId) => listen(pair.far, runId));
    await settle(pair, listeners);
    const endsBefore = listeners.map(({ heard }) => heard.ends);
    for (const [index, runId] of runs.entries()) {
      pair.near.publishEvents(runId, eventsFrom(index, 1));
      if (index % 3 === 0) pair.near.publishEnded(runId, { lastSeq: index, readResultJson: () => undefined });
    }
    await exchange(pair);
    for (const [index, { heard }] of listeners.entries()) {
      if (heard.hints === 0) expect(heard.events).toEqual(eventsFrom(index, 1));
      else expect(heard.events).toEqual([]);
      expect(heard.ends - endsBefore[index]!).toBe(index % 3 === 0 ? 1 : 0);
    }
  },

  "what was said before it is closed still arrives; afterwards it says and hears nothing": async (pair) => {
    const runId = mintId();
    const { heard } = listen(pair.far, runId);
    const closed = listen(pair.near, runId);
    await settle(pair, [closed, { heard }]);
    const endsBefore = heard.ends;
    pair.near.publishEnded(runId, { lastSeq: 0, readResultJson: () => undefined });
    await pair.near[Symbol.asyncDispose]();
    await until(() => expect(heard.ends).toBe(endsBefore + 1));
    const before = closed.heard.log.length;
    pair.far.publishEvents(runId, eventsFrom(0, 1));
    expect(closed.heard.log.length).toBe(before);
  },
};

/** @param open makes a pair that carries signals both ways; the suite disposes of it */
export function describeEventBus(name: string, open: () => Promise<BusPair>): void {
  describe(`event bus: ${name}`, () => {
    for (const [promise, check] of Object.entries(PROMISES)) {
      test(promise, async () => {
        const pair = await open();
        try {
          await untilCarried(pair);
          await check(pair);
        } finally {
          await pair.near[Symbol.asyncDispose]();
          await pair.far[Symbol.asyncDispose]();
        }
      });
    }
  });
}
