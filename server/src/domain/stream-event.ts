// A stream event: one numbered item of a run's stream, in the form that goes over the wire.

/** One item of a run's stream before it has a number. */
export interface NewStreamEvent {
  /** SSE event name, for example `values`, `messages|ns`, `metadata`, `error`. */
  event: string;
  /** One line of JSON. Of an event with long lists it is written out only when it is read. */
  readonly data: string;
  /** The stored form of an event whose long lists a checkpoint holds already; asked for when it is written. */
  readonly stored?: StoredEvent;
  /** Resolves when the checkpoint that the event tells of is written, and `stored` can be asked for; the event is written after that, or after a short while without it. */
  readonly storable?: Promise<unknown>;
}

/** An event without its long lists. */
export interface StoredEvent {
  /** JSON text of an object that lacks the omitted channels. */
  data: string;
  omitted: OmittedLists;
}

/** Where the omitted lists are found. */
export interface OmittedLists {
  threadId: string;
  /** Id of a checkpoint that holds the list, by channel. */
  checkpointIds: Record<string, string>;
  /** Key of the event's object under which the values lie. @default the object itself */
  within?: string;
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
