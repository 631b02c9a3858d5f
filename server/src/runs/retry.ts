// Trying again while the database is away: what was acknowledged must not be lost because PostgreSQL restarts.
import { DatabaseUnavailableError } from "../domain/errors.ts";

const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;

/**
 * Repeats `action` while it fails with DatabaseUnavailableError, with growing pauses, until `signal` is aborted; then the last
 * error is thrown. The action must be safe to repeat after a commit whose answer was lost.
 */
export async function untilDatabaseAnswers<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pauseMs = BACKOFF_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, BACKOFF_MAX_MS)) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError) || signal.aborted) throw error;
      await pause(pauseMs, signal);
    }
  }
}

/** Resolves after `durationMs`, or at once when the signal is aborted. */
export function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, durationMs);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
