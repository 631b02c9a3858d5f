// What clients must find: their streams whole (I5) and their messages in the state (I6).
import type { CheckInput, Violation } from "./check-input.ts";

/** Threads whose state is read at once. */
const READS_AT_ONCE = 10;

/** I5: ids without gap or repeat over reconnects, nothing missing at the end, and a clean end. */
export async function checkClientLogs({
  pool,
  clientLogs,
}: Pick<CheckInput, "pool" | "clientLogs">): Promise<Violation[]> {
  const { rows } = await pool.query<{ run_id: string; count: number }>(
    "select run_id, count(*)::int as count from run_event where run_id = any($1::uuid[]) group by run_id",
    [[...new Set(clientLogs.map((log) => log.runId))]],
  );
  const eventCounts = new Map(rows.map((row) => [row.run_id, row.count]));
  const violations: Violation[] = [];
  for (const log of clientLogs) {
    for (const [index, event] of log.events.entries()) {
      if (event.id === String(index)) continue;
      violations.push({ invariant: "I5", detail: `run ${log.runId}: event ${index} has id ${event.id}` });
      break;
    }
    const count = eventCounts.get(log.runId);
    if (!log.isEnded) violations.push({ invariant: "I5", detail: `run ${log.runId}: the stream never ended` });
    else if (count !== undefined && count !== log.events.length) {
      const detail = `run ${log.runId}: the client has ${log.events.length} of ${count} events`;
      violations.push({ invariant: "I5", detail });
    }
  }
  return violations;
}

/** I6: the user messages in the state are exactly the accepted ones, in order. */
export async function checkMessages(
  input: Pick<CheckInput, "acceptedMessages" | "uncertainMessages" | "readUserMessages">,
): Promise<Violation[]> {
  const { acceptedMessages, uncertainMessages = new Set(), readUserMessages } = input;
  const violations: Violation[] = [];
  const waiting = [...acceptedMessages];
  const check = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [threadId, accepted] = next;
      const stored = await readUserMessages(threadId);
      const certain = stored.filter((message) => !uncertainMessages.has(message));
      const hasRepeat = new Set(stored).size < stored.length;
      if (JSON.stringify(certain) === JSON.stringify(accepted) && !hasRepeat) continue;
      const detail = `thread ${threadId} holds ${JSON.stringify(stored)}, accepted were ${JSON.stringify(accepted)}`;
      violations.push({ invariant: "I6", detail });
    }
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, check));
  return violations;
}
