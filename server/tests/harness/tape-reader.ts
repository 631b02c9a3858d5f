// Reads the event protocol without a client library: commands by POST, events by server-sent events.
import { setTimeout as sleep } from "node:timers/promises";

export interface ProtocolFrame {
  type: "event";
  event_id: string;
  seq: number;
  method: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an event carries is what the tests are about
  params: { namespace: string[]; timestamp: number; node?: string; data: any };
}

export const EVERY_CHANNEL = [
  "values",
  "updates",
  "messages",
  "tools",
  "lifecycle",
  "input",
  "checkpoints",
  "tasks",
  "custom",
];

const WAIT_MAX_MS = 20_000;

/** Sends one command. */
export async function sendCommand(url: string, threadId: string, method: string, params: unknown = {}) {
  const response = await fetch(`${url}/threads/${threadId}/commands`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id: 1, method, params }),
    signal: AbortSignal.timeout(WAIT_MAX_MS),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer's content is what the tests are about
  return (await response.json()) as any;
}

/** An open event stream that keeps all it got. */
export class TapeReader implements AsyncDisposable {
  readonly frames: ProtocolFrame[] = [];
  /** SSE ids, in order. */
  readonly ids: string[] = [];
  readonly #abort = new AbortController();
  #done: Promise<void> = Promise.resolve();
  /** Why the stream is over, where it is. */
  failure: unknown;

  /** Resolves when the headers are there. */
  static async open(
    url: string,
    threadId: string,
    selection: object,
    headers: Record<string, string> = {},
  ): Promise<TapeReader> {
    const reader = new TapeReader();
    const response = await fetch(`${url}/threads/${threadId}/stream/events`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
      body: JSON.stringify(selection),
      signal: reader.#abort.signal,
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    reader.#done = reader.#consume(response.body!).catch((error: unknown) => {
      reader.failure = error;
    });
    return reader;
  }

  async #consume(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of body) {
      rest += decoder.decode(chunk, { stream: true });
      const frames = rest.split("\n\n");
      rest = frames.pop()!;
      for (const frame of frames) this.#add(frame);
    }
  }

  #add(frame: string): void {
    const fields = Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
    if (fields.data === undefined) return;
    this.ids.push(fields.id);
    this.frames.push(JSON.parse(fields.data));
  }

  /** Waits until the frames satisfy the condition. */
  async until(isThere: (frames: ProtocolFrame[]) => boolean): Promise<ProtocolFrame[]> {
    for (const deadline = Date.now() + WAIT_MAX_MS; Date.now() < deadline; await sleep(5)) {
      if (isThere(this.frames)) return [...this.frames];
      if (this.failure !== undefined) throw new Error("the stream broke", { cause: this.failure });
    }
    throw new Error(`not in time; got ${JSON.stringify(summary(this.frames))}`);
  }

  /** Waits for the `count`-th end of a run. */
  untilEnds(count = 1): Promise<ProtocolFrame[]> {
    return this.until((frames) => rootEnds(frames).length >= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#done;
  }
}

/** The ends of runs among the frames. */
export function rootEnds(frames: ProtocolFrame[]): ProtocolFrame[] {
  return frames.filter(
    ({ method, params }) => method === "lifecycle" && params.namespace.length === 0 && params.data.event !== "running",
  );
}

/** Methods with what tells their events apart, in order. */
export function summary(frames: ProtocolFrame[]): string[] {
  return frames.map(({ method, params }) => {
    const place = params.namespace.map((segment) => segment.split(":")[0]).join("/");
    const event = params.data?.event ?? params.node ?? "";
    return [place, method, event].filter((part) => part !== "").join(" ");
  });
}
