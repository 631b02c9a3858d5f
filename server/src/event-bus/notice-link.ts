// Sends and reads notices: hints for other processes over NOTIFY, many in one, at most one on its way.
import type { Hint } from "./hint.ts";

/** PostgreSQL refuses payloads of 8000 bytes; one hint is at most 46 characters. */
const HINTS_PER_NOTIFY_MAX = 150;

export const NOTIFY_CHANNEL = "holdfast";

/** Marks a notice whose sender said the same over another way, for those who do not have it. */
const COURTESY = "c";

/** Sends one NOTIFY on the channel. */
export type Notify = (channel: string, payload: string) => Promise<void>;

export interface NoticeLinkOptions {
  /** Tells this process's own notices from others'. */
  processId: string;
  notify: Notify;
  /** Told when a notice could not be sent; the slow poll makes up for it. */
  onNotifyError: (error: unknown) => void;
}

/** A notice from another process. */
export interface Notice {
  hints: Hint[];
  isCourtesy: boolean;
}

export class NoticeLink implements AsyncDisposable {
  readonly #options: NoticeLinkOptions;
  #hints = new Set<Hint>();
  #isCourtesy = true;
  #sending: Promise<void> | undefined;

  constructor(options: NoticeLinkOptions) {
    this.#options = options;
  }

  /** The first hints go out at once; those that come while they are on their way go together. None at all only shows that this process is there. */
  send(hints: Iterable<Hint>, { isCourtesy }: { isCourtesy: boolean } = { isCourtesy: false }): void {
    for (const hint of hints) this.#hints.add(hint);
    if (!isCourtesy) this.#isCourtesy = false;
    this.#sending ??= this.#send();
  }

  /** Reads a payload from the LISTEN connection; `undefined` for a notice of this process. */
  read(payload: string): Notice | undefined {
    const [processId, ...hints] = payload.split(",");
    if (processId === this.#options.processId) return undefined;
    const isCourtesy = hints[0] === COURTESY;
    return { hints: isCourtesy ? hints.slice(1) : hints, isCourtesy };
  }

  /** Waits for the notices on their way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sending;
  }

  async #send(): Promise<void> {
    await Promise.resolve();
    do {
      const hints = [...this.#hints];
      const head = this.#isCourtesy ? [this.#options.processId, COURTESY] : [this.#options.processId];
      this.#hints = new Set();
      this.#isCourtesy = true;
      for (let start = 0; start === 0 || start < hints.length; start += HINTS_PER_NOTIFY_MAX) {
        const payload = [...head, ...hints.slice(start, start + HINTS_PER_NOTIFY_MAX)].join(",");
        try {
          await this.#options.notify(NOTIFY_CHANNEL, payload);
        } catch (error) {
          this.#options.onNotifyError(error);
        }
      }
    } while (this.#hints.size > 0);
    this.#sending = undefined;
  }
}
