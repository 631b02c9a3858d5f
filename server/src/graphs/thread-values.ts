// Writes the state of a thread as JSON once, whole for whoever waits and shortened for the thread's row.
import type { ThreadValues } from "../domain/ports/run-queue.ts";
import type { StoredEvent } from "../domain/stream-event.ts";
import { wireJson } from "./wire-json.ts";

/** Values up to this many characters of JSON are kept whole on the thread's row. */
export const THREAD_VALUES_WHOLE_CHARS_MAX = 16 * 1024;
/** Above that, list channels larger than this are left out and read back from the checkpoint. */
export const THREAD_LIST_CHANNEL_CHARS_MAX = 8 * 1024;
/** Lists with at least this many items are long whatever the items are; they are not written out to find their size. */
const LONG_LIST_COUNT = 64;
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

/** Whether a value is a list that is better kept once, in a checkpoint, than written again. */
export function isLongList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length >= LONG_LIST_COUNT;
}

/**
 * The stored form of a `values` event whose long lists all have a checkpoint to be found in; `undefined` where there is no long
 * list or not all are saved yet.
 */
export function withoutLongLists(
  values: object,
  threadId: string,
  findHome: (list: unknown[]) => string | undefined,
): StoredEvent | undefined {
  const checkpointIds: Record<string, string> = {};
  const kept: Record<string, unknown> = {};
  for (const [channel, value] of Object.entries(values)) {
    if (!isLongList(value)) kept[channel] = value;
    else {
      const home = findHome(value);
      if (home === undefined) return undefined;
      checkpointIds[channel] = home;
    }
  }
  if (Object.keys(checkpointIds).length === 0) return undefined;
  return { data: wireJson(kept), omitted: { threadId, checkpointIds } };
}

/** The values as the thread's row keeps them. `wholeJson` saves writing them out again where that was already done. */
export function toThreadValues(values: unknown, checkpointId: string | null, wholeJson?: string): ThreadValues {
  const channels = Object.entries(toChannels(values));
  const isLong = checkpointId !== null && channels.some(([, value]) => isLongList(value));
  const json = isLong ? "" : (wholeJson ?? wholeValuesJson(values));
  if (!isLong && json.length <= THREAD_VALUES_WHOLE_CHARS_MAX) return { json, omittedChannels: [], checkpointId };
  const kept: string[] = [];
  const omittedChannels: string[] = [];
  for (const [channel, value] of channels) {
    if (isLong && isLongList(value)) {
      omittedChannels.push(channel);
      continue;
    }
    const text = wireJson(value);
    if (Array.isArray(value) && text.length > THREAD_LIST_CHANNEL_CHARS_MAX) omittedChannels.push(channel);
    else if (value !== undefined) kept.push(`${JSON.stringify(channel)}:${text}`);
  }
  return { json: `{${kept.join(",")}}`, omittedChannels, checkpointId };
}
