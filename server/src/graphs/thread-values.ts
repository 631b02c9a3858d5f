// Writes the state of a thread as JSON once, whole for whoever waits and shortened for the thread's row.
import type { ThreadValues } from "../domain/ports/run-queue.ts";
import { wireJson } from "./wire-json.ts";

/** Values up to this many characters of JSON are kept whole on the thread's row. */
export const THREAD_VALUES_WHOLE_CHARS_MAX = 16 * 1024;
/** Above that, list channels larger than this are left out and read back from the checkpoint. */
export const THREAD_LIST_CHANNEL_CHARS_MAX = 8 * 1024;
/** The name LangGraph gives to the channel of a state that is one bare value; clients need an object. */
const ROOT_CHANNEL = "__root__";

function toChannels(values: unknown): Record<string, unknown> {
  if (values === undefined || values === null) return {};
  if (typeof values === "object" && !Array.isArray(values)) return values as Record<string, unknown>;
  return { [ROOT_CHANNEL]: values };
}

/** The whole values as JSON text of an object. */
export function wholeValuesJson(values: unknown): string {
  return wireJson(toChannels(values));
}

/** The values as the thread's row keeps them. `wholeJson` saves writing them out again where that was already done. */
export function toThreadValues(values: unknown, checkpointId: string | null, wholeJson?: string): ThreadValues {
  const json = wholeJson ?? wholeValuesJson(values);
  if (json.length <= THREAD_VALUES_WHOLE_CHARS_MAX) return { json, omittedChannels: [], checkpointId };
  const kept: string[] = [];
  const omittedChannels: string[] = [];
  for (const [channel, value] of Object.entries(toChannels(values))) {
    const text = wireJson(value);
    if (Array.isArray(value) && text.length > THREAD_LIST_CHANNEL_CHARS_MAX) omittedChannels.push(channel);
    else if (value !== undefined) kept.push(`${JSON.stringify(channel)}:${text}`);
  }
  return { json: `{${kept.join(",")}}`, omittedChannels, checkpointId };
}
