// One request and its response: reading, writing, noticing that the client has gone, and cutting the connection on purpose.
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordedCall } from "./recorded-call.ts";

/** Thrown to leave a handler once the connection is gone or was broken on purpose; nothing more can be sent. */
export class BrokenOff extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "BrokenOff";
  }
}

/** A request being answered. */
export class Exchange {
  readonly call: RecordedCall;
  readonly request: IncomingMessage;
  /** Pause before each token, in milliseconds, unless a fault says otherwise. */
  readonly tokenDelayMs: number;
  private readonly response: ServerResponse;
  private readonly gone = new AbortController();
  private isCut = false;

  constructor(call: RecordedCall, request: IncomingMessage, response: ServerResponse, tokenDelayMs: number) {
    this.call = call;
    this.request = request;
    this.response = response;
    this.tokenDelayMs = tokenDelayMs;
    response.on("close", () => {
      if (!response.writableFinished && !this.isCut) call.isAborted = true;
      this.gone.abort();
    });
  }

  /** Whether the response's head has been sent. */
  get hasStarted(): boolean {
    return this.response.headersSent;
  }

  /** Sends a whole JSON answer; text is sent as it is. */
  sendJson(status: number, body: unknown, headers: Record<string, string> = {}): void {
    if (this.response.destroyed) return;
    this.call.status = status;
    this.response.writeHead(status, { "content-type": "application/json", ...headers });
    this.response.end(typeof body === "string" ? body : JSON.stringify(body));
  }

  /** Sends the head of a streamed answer. */
  openStream(contentType: string): void {
    this.throwIfGone();
    this.call.status = 200;
    this.response.writeHead(200, { "content-type": contentType, "cache-control": "no-cache" });
    this.response.flushHeaders();
  }

  /** Writes a part of a streamed answer and waits until the socket took it. */
  async write(text: string): Promise<void> {
    this.throwIfGone();
    await new Promise<void>((resolve) => {
      // A connection that closes with the piece still waiting never calls back.
      const settle = () => {
        this.gone.signal.removeEventListener("abort", settle);
        resolve();
      };
      this.gone.signal.addEventListener("abort", settle);
      this.response.write(text, settle);
    });
  }

  /** Ends a streamed answer. */
  end(): void {
    this.response.end();
  }

  /** Waits, or throws {@link BrokenOff} if the client goes first. */
  async wait(durationMs: number): Promise<void> {
    await sleep(durationMs, undefined, { signal: this.gone.signal }).catch(() => this.throwIfGone());
  }

  /** Waits for as long as the connection is open, then throws {@link BrokenOff}. */
  async hang(): Promise<never> {
    if (!this.gone.signal.aborted) {
      await new Promise<void>((resolve) => this.gone.signal.addEventListener("abort", () => resolve(), { once: true }));
    }
    throw new BrokenOff("the connection was closed while hanging");
  }

  /** Cuts the connection; the call does not count as aborted by the client. */
  cut(): void {
    this.isCut = true;
    this.response.socket?.destroy();
    this.gone.abort();
  }

  /** @throws BrokenOff if the connection is closed. */
  throwIfGone(): void {
    if (this.gone.signal.aborted) throw new BrokenOff("the connection is closed");
  }
}
