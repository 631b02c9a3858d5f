// What waiting for a run answers: its final values, with the interrupts it stopped at or the error it ended with.
import { type RunError, toPublicError } from "../domain/run.ts";
import type { InterruptRecord } from "../domain/thread.ts";

/** JSON text of an object; `undefined` when the values are not known here. */
export function resultJsonOf(
  valuesJson: string | undefined,
  interrupts: Record<string, InterruptRecord[]>,
  error: RunError | null,
): string | undefined {
  if (error !== null) return JSON.stringify({ __error__: toPublicError(error) });
  if (valuesJson === undefined) return undefined;
  // Never a scalar or null: clients look for `__error__` in the answer.
  const objectJson = valuesJson.startsWith("{") ? valuesJson : "{}";
  if (Object.keys(interrupts).length === 0) return objectJson;
  const interruptJson = `"__interrupt__":${JSON.stringify(Object.values(interrupts).flat())}`;
  return objectJson === "{}" ? `{${interruptJson}}` : `${objectJson.slice(0, -1)},${interruptJson}}`;
}
