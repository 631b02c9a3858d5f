// A stream event: one numbered item of a run's stream, in the form that goes over the wire.

/** One item of a run's stream before it has a number. */
export interface NewStreamEvent {
  /** SSE event name, for example `values`, `messages|ns`, `metadata`, `error`. */
  event: string;
  /** One line of JSON. */
  data: string;
}

/** One numbered item; `seq` starts at 0 for each run and has no gaps. It is the SSE id. */
export interface StreamEvent extends NewStreamEvent {
  seq: number;
}

/** The mode part of an event name: `values|a:1` belongs to `values`. */
export function eventMode(event: string): string {
  const separator = event.indexOf("|");
  return separator === -1 ? event : event.slice(0, separator);
}
