// A process of its own that holds many open SSE sessions and accounts for every token: which came, how late, which never.
import { Agent, type ClientRequest, get } from "node:http";

/** What the parent sends once. */
export interface SessionsOrder {
  url: string;
  sessions: { threadId: string; runId: string }[];
  tokensPerRun: number;
  /** Sessions that are still open then are given up. */
  deadlineMs: number;
}

/** What the parent gets at the end. */
export interface SessionsReport {
  received: number;
  lost: number;
  repeated: number;
  reconnects: number;
  /** Number of tokens by their delay in whole milliseconds; the last place counts all that are later. */
  delays: number[];
}

/** From the parent: begin to open, begin to measure delays. To the parent: all are open, the report. */
export type ToClients = { kind: "open"; order: SessionsOrder } | { kind: "measure" };
export type FromClients = { kind: "opened" } | { kind: "report"; report: SessionsReport };

const OPENING_MAX = 100;
const RECONNECT_PAUSE_MS = 200;
export const DELAY_MS_MAX = 30_000;

const agent = new Agent({ keepAlive: false });
const report: SessionsReport = {
  received: 0,
  lost: 0,
  repeated: 0,
  reconnects: 0,
  delays: new Array<number>(DELAY_MS_MAX + 1).fill(0),
};
let isMeasuring = false;

process.on("message", (message: ToClients) => {
  if (message.kind === "measure") isMeasuring = true;
  else void openAll(message.order);
});

async function openAll(order: SessionsOrder): Promise<void> {
  const waiting = order.sessions.map((run) => new Session(order, run));
  const all = waiting.map((session) => session.done);
  const openers = Array.from({ length: OPENING_MAX }, async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await next.open();
  });
  await Promise.all(openers);
  process.send?.({ kind: "opened" } satisfies FromClients);
  await Promise.all(all);
  process.send?.({ kind: "report", report } satisfies FromClients);
  process.disconnect?.();
}

/** One follower of one run, from its first token to its last. */
class Session {
  readonly done: Promise<void>;
  readonly #order: SessionsOrder;
  readonly #path: string;
  #onDone: () => void = () => undefined;
  #request: ClientRequest | undefined;
  #lastId = "-1";
  #nextToken = 0;
  #rest = "";

  constructor(order: SessionsOrder, { threadId, runId }: { threadId: string; runId: string }) {
    this.#order = order;
    this.#path = `${order.url}/threads/${threadId}/runs/${runId}/stream`;
    this.done = new Promise((resolve) => {
      this.#onDone = resolve;
    });
    setTimeout(() => this.#finish(), Math.max(0, order.deadlineMs - Date.now())).unref();
  }

  /** Returns when the server has answered. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#rest = "";
      this.#request = get(this.#path, { agent, headers: { "last-event-id": this.#lastId } }, (response) => {
        resolve();
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => this.#take(chunk));
        response.on("close", () => this.#closed());
      });
      this.#request.on("error", () => {
        resolve();
        this.#closed();
      });
    });
  }

  #closed(): void {
    if (this.#nextToken >= this.#order.tokensPerRun || Date.now() >= this.#order.deadlineMs) {
      this.#finish();
      return;
    }
    report.reconnects += 1;
    setTimeout(() => void this.open(), RECONNECT_PAUSE_MS);
  }

  #take(chunk: string): void {
    const text = this.#rest + chunk;
    const end = text.lastIndexOf("\n");
    this.#rest = text.slice(end + 1);
    for (const line of text.slice(0, end + 1).split("\n")) {
      if (line.startsWith("id:")) this.#lastId = line.slice(3).trim();
      else if (line.startsWith("data:") && line.includes('"token"')) {
        const { token, atMs } = JSON.parse(line.slice(5)) as { token: number; atMs: number };
        this.#account(token, Date.now() - atMs);
      }
    }
  }

  #account(token: number, delayMs: number): void {
    if (token < this.#nextToken) {
      report.repeated += 1;
      return;
    }
    report.lost += token - this.#nextToken;
    this.#nextToken = token + 1;
    report.received += 1;
    if (isMeasuring) report.delays[Math.min(DELAY_MS_MAX, Math.max(0, delayMs))]! += 1;
  }

  #finish(): void {
    report.lost += Math.max(0, this.#order.tokensPerRun - this.#nextToken);
    this.#nextToken = this.#order.tokensPerRun;
    this.#request?.destroy();
    this.#onDone();
  }
}
