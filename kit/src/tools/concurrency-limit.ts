// Lets a limited number of callers in at once; the others wait in order, and may give up.

/** A limit on how many run at once. */
export class ConcurrencyLimit {
  private readonly max: number;
  private runningCount = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param max how many may run at once, at least 1. */
  constructor(max: number) {
    this.max = Math.max(1, max);
  }

  /** Runs `work` when there is room. @throws the signal's reason if it is cancelled while waiting. */
  async run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    await this.enter(signal);
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.runningCount < this.max) {
      this.runningCount++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        this.waiting.splice(this.waiting.indexOf(admit), 1);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.waiting.push(admit);
    });
  }

  /** The place of one that leaves goes straight to the next, so that no newcomer can slip in between. */
  private leave(): void {
    const admit = this.waiting.shift();
    if (admit) admit();
    else this.runningCount--;
  }
}
