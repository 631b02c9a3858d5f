// JSON that jsonb refuses (the character U+0000, half a surrogate pair) made storable; graphs may produce any text.
import type { ThreadValues } from "../domain/ports/run-queue.ts";

/** The escapes that JSON.stringify writes for what jsonb refuses; well-formed pairs are never escaped. */
const UNSTORABLE = /\\u0000|\\ud[89a-f][0-9a-f]{2}/i;
const ALL_UNSTORABLE = new RegExp(UNSTORABLE, "gi");

/** JSON text with the replacement character in place of what cannot be stored. */
export function storableJson(json: string): string {
  return UNSTORABLE.test(json) ? json.replace(ALL_UNSTORABLE, "\\ufffd") : json;
}

/** Leaves out the channels that cannot be stored: the checkpoint has them, so that they are shown all the same. */
export function storableValues(values: ThreadValues): ThreadValues {
  if (!UNSTORABLE.test(values.json)) return values;
  const channels = Object.entries(JSON.parse(values.json) as Record<string, unknown>);
  const isStorable = ([, value]: [string, unknown]) => !UNSTORABLE.test(JSON.stringify(value) ?? "");
  const kept = channels.filter(isStorable);
  const omitted = channels.filter((channel) => !isStorable(channel)).map(([name]) => name);
  if (values.checkpointId === null) return { ...values, json: storableJson(values.json) };
  return {
    ...values,
    json: JSON.stringify(Object.fromEntries(kept)),
    omittedChannels: [...values.omittedChannels, ...omitted],
  };
}
