// A service outside Holdfast that records every effect with its idempotency key, as a mail or payment provider would.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One effect that reached the outside world. */
export interface Effect {
  key: string;
  /** When it arrived, milliseconds since the epoch. */
  atMs: number;
  /** Name of the process it came from, if that says it. */
  sender?: string;
}

export interface Sink extends AsyncDisposable {
  url: string;
  effects: Effect[];
}

/** Longer than any test. */
const KEEP_ALIVE_MS = 3_600_000;

export async function startSink(): Promise<Sink> {
  const effects: Effect[] = [];
  const server = createServer((request, response) => {
    const key = request.headers["idempotency-key"];
    request.resume().on("end", () => {
      if (typeof key === "string")
        effects.push({ key, atMs: Date.now(), sender: String(request.headers["x-sender"] ?? "") });
      response.writeHead(typeof key === "string" ? 204 : 400).end();
    });
  });
  // A client must never find a kept connection closed in the moment it uses it: that would look like a fault of the run.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    effects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
