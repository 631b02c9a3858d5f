// When thousands of streams end in the same moment, closing them must not hold up the events of those that go on.

/** Connections closed in one turn of the event loop; closing one takes some 0.1 ms of work, with its log line and its counters. */
const CLOSED_PER_TURN_MAX = 20;

const waiting: (() => void)[] = [];
let closedThisTurn = 0;
let isScheduled = false;

/** Calls `close` at once, or a few turns later where many are closed at the same time. */
export function closeInTurn(close: () => void): void {
  if (closedThisTurn >= CLOSED_PER_TURN_MAX) waiting.push(close);
  else {
    closedThisTurn++;
    close();
  }
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    const due = waiting.splice(0, CLOSED_PER_TURN_MAX);
    closedThisTurn = due.length;
    for (const close of due) close();
    if (closedThisTurn > 0) schedule();
  });
}
