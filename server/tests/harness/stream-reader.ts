// A reader of event streams that shows each event as it arrives and can leave or be cut off at any time.
import { type Frame, parseFrames } from "./plain-http.ts";

export interface StreamReader {
  /** Numbered events so far; grows while the stream lasts. */
  readonly frames: Frame[];
  /** Resolves when the stream is over: true for a clean end, false when the connection broke. */
  readonly ended: Promise<boolean>;
  /** Resolves once so many events are there, or the stream is over. */
  waitForFrames(count: number): Promise<void>;
  leave(): void;
}

/** Opens a stream; `init` is that of fetch. */
export async function readStream(url: string, init: RequestInit = {}): Promise<StreamReader> {
  const leaving = new AbortController();
  const response = await fetch(url, { ...init, signal: leaving.signal });
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`);
  const frames: Frame[] = [];
  const waiters = new Set<() => void>();
  const wakeAll = () => {
    for (const wake of waiters) wake();
  };
  const read = async (body: ReadableStream<Uint8Array>): Promise<boolean> => {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of body) {
        rest += decoder.decode(chunk, { stream: true });
        const end = rest.lastIndexOf("\n\n");
        if (end === -1) continue;
        frames.push(...parseFrames(rest.slice(0, end + 2)));
        rest = rest.slice(end + 2);
        wakeAll();
      }
      return true;
    } catch {
      return false;
    }
  };
  let isOver = false;
  const ended = read(response.body).finally(() => {
    isOver = true;
    wakeAll();
  });
  return {
    frames,
    ended,
    waitForFrames: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (frames.length < count && !isOver) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
    leave: () => leaving.abort(),
  };
}
