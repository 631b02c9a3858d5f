// The text of a message in Redis: who sent it, a hint, and behind it, a line each, the events themselves or the number of the last one.
import type { RunSignal } from "../domain/ports/event-bus.ts";
import type { StreamEvent } from "../domain/stream-event.ts";
import type { Hint } from "./hint.ts";

/** Characters of events that travel in one message; more are read from the rows. */
const MESSAGE_CHARS_MAX = 64 * 1024;

export interface RedisMessage {
  senderId: string;
  hint: Hint;
  /** What the message says beyond its hint. */
  signal?: RunSignal;
}

/** A bare hint, where there is no more to say. */
export function encodeHint(senderId: string, hint: Hint): string {
  return `${senderId}\n${hint}`;
}

/** The events whole, or the bare hint where they are long or would have to be written out first. */
export function encodeEvents(senderId: string, hint: Hint, events: StreamEvent[]): string {
  const lines = [senderId, hint];
  let chars = 0;
  for (const event of events) {
    if ("stored" in event || event.data.includes("\n")) return encodeHint(senderId, hint);
    chars += event.data.length;
    if (chars > MESSAGE_CHARS_MAX) return encodeHint(senderId, hint);
    lines.push(String(event.seq), JSON.stringify(event.event), event.data);
  }
  return lines.join("\n");
}

/** The end of a run together with the number of its last event, which spares who has that a look at the rows. */
export function encodeEnded(senderId: string, hint: Hint, lastSeq: number | undefined): string {
  return lastSeq === undefined ? encodeHint(senderId, hint) : `${senderId}\n${hint}\n${lastSeq}`;
}

/** @returns `undefined` for what is not one of our messages */
export function decodeMessage(message: string): RedisMessage | undefined {
  const [senderId, hint, ...lines] = message.split("\n");
  if (senderId === undefined || hint === undefined) return undefined;
  if (lines.length === 0) return { senderId, hint };
  try {
    const signal = hint.startsWith("e") ? decodeEvents(lines) : decodeEnded(lines);
    return { senderId, hint, signal };
  } catch {
    return { senderId, hint };
  }
}

function decodeEvents(lines: string[]): RunSignal {
  const events: StreamEvent[] = [];
  for (let line = 0; line + 2 < lines.length; line += 3) {
    const seq = Number(lines[line]);
    const event: unknown = JSON.parse(lines[line + 1]!);
    if (!Number.isSafeInteger(seq) || typeof event !== "string") throw new Error("not an event");
    events.push({ seq, event, data: lines[line + 2]! });
  }
  return { kind: "events", events };
}

function decodeEnded([lastSeq]: string[]): RunSignal {
  if (!Number.isSafeInteger(Number(lastSeq))) throw new Error("not a number");
  return { kind: "ended", end: { lastSeq: Number(lastSeq), readResultJson: () => undefined } };
}
