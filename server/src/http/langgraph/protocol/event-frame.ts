// An event of a thread's tape as JSON text, for either transport.
import type { StreamEvent } from "../../../domain/stream-event.ts";
import type { TapeEvent } from "../../../domain/thread-tape.ts";

export function tapeEventJson({ eventId, seq, method, params }: TapeEvent): string {
  return `{"type":"event","event_id":${JSON.stringify(eventId)},"seq":${seq},"method":${JSON.stringify(method)},"params":${params}}`;
}

/** As a server-sent event: its number is the SSE id. */
export function toSseEvent(event: TapeEvent): StreamEvent {
  return { seq: event.seq, event: event.method, data: tapeEventJson(event) };
}
