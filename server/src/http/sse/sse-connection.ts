// One event stream to one client, written straight to Node's response: nothing waits for a slow reader.
import type { ServerResponse } from "node:http";
import { NotSupportedError } from "../../domain/errors.ts";
import type { StreamEvent } from "../../domain/stream-event.ts";
import type { HttpContext } from "../http-services.ts";
import type { Caller } from "../operation.ts";
import { closeInTurn } from "./closing-queue.ts";
import { formatEvent, formatUnnumberedEvent, HEARTBEAT_FRAME } from "./sse-frame.ts";

/** Node's response, with the headers that the middleware prepared. @throws NotSupportedError outside of Node's server */
export function takeResponse(context: HttpContext, headers: Record<string, string>): ServerResponse {
  const outgoing = context.env?.outgoing;
  if (outgoing === undefined) throw new NotSupportedError("Streams are only served over a network connection.");
  for (const [name, value] of context.res.headers) outgoing.setHeader(name, value);
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  return outgoing;
}

export class SseConnection {
  readonly #outgoing: ServerResponse;
  readonly #caller: Caller;
  readonly #leavePulse: () => void;
  #eventCount = 0;
  #isOpen = true;
  #isCutOff = false;
  #isCheckDue = false;
  #largestWriteBytes = 0;

  /** Sends the headers at once; clients wait for them before they count the stream as open. */
  constructor(caller: Caller, headers: Record<string, string>) {
    const { context, pulses, services } = caller;
    this.#caller = caller;
    this.#outgoing = takeResponse(context, {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      ...headers,
    });
    this.#leavePulse = pulses.heartbeat.join(() => this.#write(HEARTBEAT_FRAME));
    services.report.streamOpened();
    this.onClose(() => {
      this.#isOpen = false;
      this.#leavePulse();
      services.report.streamClosed({ eventCount: this.#eventCount });
    });
    if (this.#isOpen) this.#outgoing.flushHeaders();
  }

  /** Calls `listener` once when the client goes away by itself, at once if it has gone already. */
  onDisconnect(listener: () => void): void {
    const isGone = () => !this.#isCutOff && !this.#outgoing.writableEnded;
    if (this.#outgoing.destroyed || this.#outgoing.closed) {
      if (isGone()) listener();
      return;
    }
    this.#outgoing.once("close", () => {
      if (isGone()) listener();
    });
  }

  /** Calls `listener` once when the stream is over for whatever reason. */
  onClose(listener: () => void): void {
    if (this.#outgoing.destroyed || this.#outgoing.closed) listener();
    else this.#outgoing.once("close", listener);
  }

  /** Writes the events in one piece. */
  sendEvents(events: StreamEvent[]): void {
    if (events.length === 0) return;
    this.#eventCount += events.length;
    this.#write(events.length === 1 ? formatEvent(events[0]!) : events.map(formatEvent).join(""));
  }

  /** An event about the connection itself, without a number. */
  sendUnnumbered(event: string, data: unknown): void {
    this.#write(formatUnnumberedEvent(event, data));
  }

  /** One item of a protocol that knows no event names. */
  sendData(data: unknown): void {
    this.#eventCount++;
    this.#write(`data: ${JSON.stringify(data)}\n\n`);
  }

  /** Ends the stream cleanly: for clients, the run is over. */
  end(): void {
    this.#leavePulse();
    closeInTurn(() => {
      if (this.#isOpen) this.#outgoing.end();
    });
  }

  /** Drops the connection so that the client knows it missed something and comes back. */
  abort(): void {
    this.#leavePulse();
    this.#outgoing.destroy();
  }

  #write(text: string): void {
    if (!this.#isOpen || this.#outgoing.writableEnded) return;
    const bytesBefore = this.#outgoing.writableLength;
    this.#outgoing.write(text);
    const bufferedBytes = this.#outgoing.writableLength;
    this.#largestWriteBytes = Math.max(this.#largestWriteBytes, bufferedBytes - bytesBefore);
    if (!this.#isBehind() || this.#isCheckDue) return;
    // Node hands data to the system at the end of the tick; only what is left then tells of a slow reader.
    this.#isCheckDue = true;
    setImmediate(() => {
      this.#isCheckDue = false;
      if (this.#isOpen && this.#isBehind()) this.#cutOff();
    });
  }

  /** A single event may be larger than the limit: whoever still reads it is not behind. */
  #isBehind(): boolean {
    const { streamBufferBytesMax } = this.#caller.settings;
    return this.#outgoing.writableLength > streamBufferBytesMax + this.#largestWriteBytes;
  }

  #cutOff(): void {
    this.#isCutOff = true;
    const requestId = this.#caller.context.get("requestId");
    this.#caller.services.report.streamCutOff({ requestId, bufferedBytes: this.#outgoing.writableLength });
    this.abort();
  }
}
