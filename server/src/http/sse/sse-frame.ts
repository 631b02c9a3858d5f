// The text of a server-sent event.
import type { StreamEvent } from "../../domain/stream-event.ts";

/** A comment clients count on to tell a quiet stream from a dead socket. */
export const HEARTBEAT_FRAME = ": heartbeat\n\n";

/** A numbered event. Line breaks cannot get into a field: names of nodes come from users' graphs. */
export function formatEvent({ seq, event, data }: StreamEvent): string {
  return `id: ${seq}\n${formatFields(event, data)}`;
}

/** An event without a number: it belongs to the connection, not to the run's log. */
export function formatUnnumberedEvent(event: string, data: unknown): string {
  return formatFields(event, JSON.stringify(data));
}

function formatFields(event: string, data: string): string {
  return `event: ${oneLine(event, "")}\ndata: ${oneLine(data, " ")}\n\n`;
}

/** In JSON a bare line break can only stand between tokens, so a space means the same. */
function oneLine(text: string, replacement: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replaceAll(/[\r\n]/g, replacement) : text;
}
