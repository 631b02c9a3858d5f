// Stops asking a model that keeps failing, and lets one call try again after a while.

/** Settings of a breaker. */
export interface CircuitBreakerOptions {
  /** Failures in a row that open it. @default 5 */
  failuresMax?: number;
  /** How long it stays open before one call may try, in milliseconds. @default 30,000 */
  openMs?: number;
  /** @default Date.now */
  now?: () => number;
}

/** Counts failures in a row of one model. Failures are those that speak of the model's health, not of the request. */
export class CircuitBreaker {
  readonly failuresMax: number;
  readonly openMs: number;
  private readonly now: () => number;
  private failuresCount = 0;
  private openUntil = 0;

  constructor({ failuresMax = 5, openMs = 30_000, now = Date.now }: CircuitBreakerOptions = {}) {
    this.failuresMax = failuresMax;
    this.openMs = openMs;
    this.now = now;
  }

  /** Whether a call may pass. After the open time one may; others wait for its outcome, at most another open time. */
  tryPass(): boolean {
    if (this.failuresCount < this.failuresMax) return true;
    if (this.now() < this.openUntil) return false;
    this.openUntil = this.now() + this.openMs;
    return true;
  }

  recordSuccess(): void {
    this.failuresCount = 0;
  }

  recordFailure(): void {
    this.failuresCount++;
    if (this.failuresCount >= this.failuresMax) this.openUntil = this.now() + this.openMs;
  }
}
