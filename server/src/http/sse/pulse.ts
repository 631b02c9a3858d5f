// One timer for any number of connections: each member is called once a period, spread over it so that no tick does all the work.

/** Parts a period is divided into. */
const SLOT_COUNT = 20;

export class Pulse {
  readonly #slots: Set<() => void>[] = Array.from({ length: SLOT_COUNT }, () => new Set());
  readonly #periodMs: number;
  #memberCount = 0;
  readonly #now: () => number;
  #nextSlot = 0;
  #tickSlot = 0;
  #slotDueAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(periodMs: number, now: () => number = () => performance.now()) {
    this.#periodMs = periodMs;
    this.#now = now;
  }

  /** Calls `beat` once a period until the returned function is called. The timer runs only while there are members. */
  join(beat: () => void): () => void {
    const slot = this.#slots[this.#nextSlot]!;
    this.#nextSlot = (this.#nextSlot + 1) % SLOT_COUNT;
    const member = () => beat();
    slot.add(member);
    this.#memberCount += 1;
    this.#start();
    return () => {
      if (!slot.delete(member)) return;
      this.#memberCount -= 1;
      if (this.#memberCount === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    };
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    const slotMs = this.#periodMs / SLOT_COUNT;
    this.#slotDueAtMs = this.#now() + slotMs;
    this.#timer = setInterval(() => this.#tick(slotMs), slotMs).unref();
  }

  /** Goes by the clock, not by the number of ticks: a busy event loop must not stretch the period. */
  #tick(slotMs: number): void {
    const nowMs = this.#now();
    for (let count = 0; count < SLOT_COUNT && this.#slotDueAtMs <= nowMs; count++) {
      this.#slotDueAtMs += slotMs;
      this.#tickSlot = (this.#tickSlot + 1) % SLOT_COUNT;
      for (const beat of this.#slots[this.#tickSlot]!) beat();
    }
    // After a long stop one round is enough.
    if (this.#slotDueAtMs <= nowMs) this.#slotDueAtMs = nowMs + slotMs;
  }
}
