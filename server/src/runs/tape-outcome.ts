// Reads what the tape tells at the end of a run that computed no events of the protocol.
import type { TapeOutcome } from "../domain/derived-tape.ts";
import type { EventLog } from "../domain/ports/run-queue.ts";
import type { TapeRun } from "../domain/thread-tape.ts";

/** @param readWholeValues reads values whose long lists are in their checkpoint; unset where the values are not wanted */
export async function readTapeOutcome(
  log: EventLog,
  run: TapeRun,
  readWholeValues: ((threadId: string) => Promise<string>) | undefined,
): Promise<TapeOutcome> {
  const outcome = await log.readOutcome(run.runId);
  if (outcome === undefined) return { valuesJson: undefined, interrupts: [] };
  const interrupts = run.isWaiting ? Object.values(outcome.interrupts).flat() : [];
  if (readWholeValues === undefined) return { valuesJson: undefined, interrupts };
  const valuesJson = outcome.areValuesPartial ? await readWholeValues(outcome.threadId) : outcome.valuesJson;
  return { valuesJson: valuesJson ?? undefined, interrupts };
}
