// A service outside of Holdfast that remembers what graphs told it, as a mail or payment provider would.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What a graph reports: see the graphs `steps` and `stubborn`. */
export interface Effect {
  runId?: string;
  step?: number;
  phase: string;
  /** Of the process that worked. */
  pid?: number;
}

export interface Sink extends AsyncDisposable {
  readonly url: string;
  readonly effects: Effect[];
  /** Resolves as soon as an effect is there for which `isIt` is true. */
  waitFor(isIt: (effect: Effect) => boolean): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const effects: Effect[] = [];
  const waiters = new Set<() => void>();
  const server = createServer(async (request, response) => {
    effects.push(JSON.parse(await text(request)) as Effect);
    response.writeHead(204).end();
    for (const check of waiters) check();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    effects,
    waitFor: (isIt) =>
      new Promise((resolve) => {
        const check = () => {
          if (!effects.some(isIt)) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
