// One timer for any number of connections: each member is called once a period, spread over it so that no tick does all the work.

/** Parts a period is divided into. */
const SLOT_COUNT = 20;

export class Pulse {
  readonly #slots: Set<() => void>[] = Array.from({ length: SLOT_COUNT }, () => new Set());
  readonly #periodMs: number;
  #memberCount = 0;
  #nextSlot = 0;
  #tickSlot = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** Calls `beat` once a period until the returned function is called. The timer runs only while there are members. */
  join(beat: () => void): () => void {
    const slot = this.#slots[this.#nextSlot]!;
    this.#nextSlot = (this.#nextSlot + 1) % SLOT_COUNT;
    const member = () => beat();
    slot.add(member);
    this.#memberCount += 1;
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs / SLOT_COUNT).unref();
    return () => {
      if (!slot.delete(member)) return;
      this.#memberCount -= 1;
      if (this.#memberCount === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    };
  }

  #tick(): void {
    this.#tickSlot = (this.#tickSlot + 1) % SLOT_COUNT;
    for (const beat of this.#slots[this.#tickSlot]!) beat();
  }
}
