// A loopback TCP proxy that can cut, delay and hold back what passes through it: the bad network of the chaos tests.

import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

/** Where connections go: a TCP port of this machine or a unix socket. */
export type Target = { port: number; host?: string } | { path: string };

interface Link {
  client: Socket;
  upstream: Socket;
}

export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  /** Connections that were cut, pieces of data that were held back, for the proof that something happened. */
  cutCount = 0;
  delayedCount = 0;
  stalledCount = 0;
  readonly #links = new Set<Link>();
  readonly #close: () => Promise<void>;
  #delayMs = 0;
  #resumed: Promise<void> | undefined;
  #resume: () => void = () => undefined;

  /** @param target asked for each connection */
  static async start(target: () => Target): Promise<TcpProxy> {
    const server = createServer((client) => proxy.#accept(client, target()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
    const proxy = new TcpProxy((server.address() as AddressInfo).port, close);
    return proxy;
  }

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  /** Breaks every open connection; new ones may be made at once. */
  cut(): void {
    for (const { client, upstream } of this.#links) {
      this.cutCount++;
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  /** Everything that passes from now on arrives this much later. 0 ends it. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Nothing passes any more, and nobody is told, until `resume`. */
  stall(): void {
    this.#resumed ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  resume(): void {
    this.#resumed = undefined;
    this.#resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    for (const { client, upstream } of this.#links) {
      client.destroy();
      upstream.destroy();
    }
    await this.#close();
  }

  #accept(client: Socket, target: Target): void {
    const upstream = connect({ ...target, noDelay: true } as Parameters<typeof connect>[0] & object);
    client.setNoDelay(true);
    const link: Link = { client, upstream };
    this.#links.add(link);
    const end = () => {
      this.#links.delete(link);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    void this.#carry(client, upstream).finally(end);
    void this.#carry(upstream, client).finally(end);
  }

  /** Hands on piece by piece, in order; whatever is late makes the rest late. */
  async #carry(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.#resumed !== undefined) {
          this.stalledCount++;
          await this.#resumed;
        }
        if (this.#delayMs > 0) {
          this.delayedCount++;
          await new Promise((resolve) => setTimeout(resolve, this.#delayMs));
        }
        if (!to.write(piece as Buffer))
          await new Promise<void>((resolve) => to.once("drain", resolve).once("close", resolve));
      }
    } catch {
      // A broken connection: `end` closes the other side.
    }
  }
}

/** Where a PostgreSQL URL leads. */
export function targetOf(databaseUrl: string): Target {
  const url = new URL(databaseUrl);
  const socketDir = url.searchParams.get("host");
  const port = url.searchParams.get("port") ?? (url.port || "5432");
  if (socketDir?.startsWith("/")) return { path: `${socketDir}/.s.PGSQL.${port}` };
  return { host: socketDir ?? url.hostname, port: Number(port) };
}

/** The same database by way of a proxy. */
export function urlThrough(databaseUrl: string, proxy: TcpProxy): string {
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String(proxy.port);
  url.searchParams.delete("host");
  url.searchParams.delete("port");
  return url.toString();
}
