// The shared timer: every member once a period, the work spread, no timer without members.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pulse } from "./pulse.ts";

describe("Pulse", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("beats each of a thousand members once a period and never many at a time", () => {
    const pulse = new Pulse(1_000);
    const beats = new Array<number>(1_000).fill(0);
    let beatsThisTick = 0;
    for (let index = 0; index < 1_000; index++) {
      pulse.join(() => {
        beats[index]! += 1;
        beatsThisTick += 1;
      });
    }
    expect(vi.getTimerCount()).toBe(1);
    for (let tick = 0; tick < 60; tick++) {
      beatsThisTick = 0;
      vi.advanceTimersByTime(50);
      expect(beatsThisTick).toBeLessThanOrEqual(50);
    }
    expect(new Set(beats)).toEqual(new Set([3]));
  });

  it("keeps its period when ticks come late, and makes up for no more than one", () => {
    let nowMs = 0;
    const pulse = new Pulse(1_000, () => nowMs);
    const beats = new Array<number>(20).fill(0);
    for (let index = 0; index < 20; index++) {
      pulse.join(() => {
        beats[index]! += 1;
      });
    }
    for (let tick = 0; tick < 8; tick++) {
      nowMs += 250;
      vi.advanceTimersByTime(50);
    }
    expect(new Set(beats)).toEqual(new Set([2]));
    nowMs += 60_000;
    vi.advanceTimersByTime(50);
    expect(new Set(beats)).toEqual(new Set([3]));
  });

  it("stops with its last member and starts again", () => {
    const pulse = new Pulse(1_000);
    let count = 0;
    const leave = pulse.join(() => {
      count += 1;
    });
    leave();
    leave();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(5_000);
    expect(count).toBe(0);
    pulse.join(() => {
      count += 1;
    });
    vi.advanceTimersByTime(2_000);
    expect(count).toBe(2);
  });
});
