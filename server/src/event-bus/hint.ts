// A hint: a few characters that tell another process what happened to which run, and what is done with it there.
import type { CancelAction } from "../domain/run.ts";
import type { LocalBus } from "./local-bus.ts";

export type Hint = string;

/** Work is waiting; the same for every run. */
export const PENDING_HINT: Hint = "p";

/** Events of the run were committed. */
export function eventsHint(runId: string): Hint {
  return `e${runId}`;
}

/** The run is over. */
export function endedHint(runId: string): Hint {
  return `d${runId}`;
}

export function cancelHint(runId: string, action: CancelAction): Hint {
  return `${action === "interrupt" ? "i" : "r"}${runId}`;
}

/** Somebody follows the run's stream. */
export function followedHint(runId: string): Hint {
  return `f${runId}`;
}

/** Tells the listeners of this process what a hint from another says; one that is not known is left alone. */
export function deliverHint(local: LocalBus, hint: Hint): void {
  const runId = hint.slice(1);
  switch (hint[0]) {
    case "e":
      local.hintEvents(runId);
      break;
    case "d":
      local.publishEnded(runId);
      break;
    case "f":
      local.publishFollowed(runId);
      break;
    case "p":
      local.publishPending();
      break;
    case "i":
      local.publishCancel(runId, "interrupt");
      break;
    case "r":
      local.publishCancel(runId, "rollback");
      break;
  }
}
