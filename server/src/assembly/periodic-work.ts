// Work that a process does again and again beside its requests: never twice at once, and a failure is not the end of it.
import { DatabaseUnavailableError } from "../domain/errors.ts";
import type { Report } from "../observability/report.ts";

export interface PeriodicWorkOptions {
  /** For the log, for example `sweeping the store`. */
  name: string;
  workerId: string;
  /** From the end of one turn to the start of the next. */
  intervalMs: number;
  /** One turn; resolves to `true` when there is more to do at once. */
  turn(): Promise<boolean>;
  report: Report;
}

export interface PeriodicWork extends AsyncDisposable {
  /** Takes a turn soon instead of at the next interval. */
  wake(): void;
}

/** Starts with a turn at once. Disposing waits for the turn in progress. */
export function startPeriodicWork(options: PeriodicWorkOptions): PeriodicWork {
  const { name, workerId, intervalMs, turn, report } = options;
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  let isStopped = false;
  let working: Promise<void> | undefined;

  const takeTurns = async (): Promise<void> => {
    try {
      while (isWanted && !isStopped) {
        isWanted = false;
        const hasMore = await turn();
        isWanted ||= hasMore;
      }
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) report.databaseUnavailable({ subsystem: name, error });
      else report.workerFailed({ workerId, doing: name, error });
    }
  };
  const wake = (): void => {
    if (isStopped) return;
    isWanted = true;
    clearTimeout(timer);
    working ??= takeTurns().finally(() => {
      working = undefined;
      if (isStopped) return;
      // A wake that came between the last turn and here must not wait for the timer.
      if (isWanted) wake();
      else timer = setTimeout(wake, intervalMs);
    });
  };
  wake();
  return {
    wake,
    async [Symbol.asyncDispose]() {
      isStopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
