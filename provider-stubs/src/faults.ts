// The bad hours of a provider, on demand: for the next calls, by chance with a seed, or as a function decides.
import type { Fault } from "./fault.ts";
import type { RecordedCall } from "./recorded-call.ts";

/** Settings of faults by chance. */
export interface RandomFaults {
  /** Fixes which calls are hit: the n-th call of a stub always meets the same fate under the same seed. */
  seed: number;
  /** From 0 (never) to 1 (always). */
  probability: number;
  /** One of these is chosen for a hit call. */
  faults: Fault[];
}

/** Decides which fault a call meets. Queued faults come first, then the function, then chance. */
export class Faults {
  /** Every fault that a call met, in order: the proof that a test injected something. */
  readonly injected: { callId: string; fault: Fault }[] = [];
  private queue: (Fault | undefined)[] = [];
  private decide: ((call: RecordedCall) => Fault | undefined) | undefined;
  private random: { settings: RandomFaults; next: () => number } | undefined;

  /** The next calls meet these faults, one each; `undefined` lets a call pass. */
  next(...faults: (Fault | undefined)[]): void {
    this.queue.push(...faults);
  }

  /** A function decides for each call. */
  when(decide: (call: RecordedCall) => Fault | undefined): void {
    this.decide = decide;
  }

  /** Calls are hit by chance, reproducibly. */
  atRandom(settings: RandomFaults): void {
    this.random = { settings, next: seededRandom(settings.seed) };
  }

  /** No more faults; what was injected stays on record. */
  clear(): void {
    this.queue = [];
    this.decide = undefined;
    this.random = undefined;
  }

  /** The fault for a call, if any; the stub asks once per call. */
  take(call: RecordedCall): Fault | undefined {
    const fault = this.queue.length > 0 ? this.queue.shift() : (this.decide?.(call) ?? this.roll());
    if (fault) this.injected.push({ callId: call.id, fault });
    return fault;
  }

  private roll(): Fault | undefined {
    if (!this.random) return undefined;
    const { settings, next } = this.random;
    const isHit = next() < settings.probability;
    const choice = next();
    return isHit ? settings.faults[Math.floor(choice * settings.faults.length)] : undefined;
  }
}

/** The mulberry32 generator: small, well spread, the same on every machine. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
