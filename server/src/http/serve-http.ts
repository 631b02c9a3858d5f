// Listens for HTTP and stops again without cutting off what can still finish.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { ConfigurationError } from "../domain/errors.ts";
import type { HttpEnv } from "./http-services.ts";
import { acceptSockets, type SocketUpgrades } from "./websocket/socket-upgrade.ts";

/** Longer than load balancers keep idle connections (a minute at most ones), so that they never send into a closed one. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How often a closing server lets go of connections that became idle. */
const IDLE_SWEEP_INTERVAL_MS = 50;

export interface ListenAddress {
  /** 0 takes any free port. */
  port: number;
  host: string;
}

export interface HttpServer {
  address: { host: string; port: number; url: string };
  /** Takes no more connections, waits up to `graceMs` for open requests and streams, then drops them. */
  close(graceMs: number): Promise<void>;
}

/** @throws ConfigurationError when the port is taken or may not be used */
export async function serveHttp(app: OpenAPIHono<HttpEnv>, { host, port }: ListenAddress): Promise<HttpServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    // Users' graphs run in this process in development: `fetch(...) instanceof Response` must stay true for them.
    overrideGlobalObjects: false,
    serverOptions: { keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
  }) as Server;
  const sockets = acceptSockets(server, async (request, bindings) => app.fetch(request, bindings));
  await listen(server, host, port);
  const bound = server.address() as AddressInfo;
  const shownHost = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return {
    address: { host: bound.address, port: bound.port, url: `http://${shownHost}:${bound.port}` },
    close: (graceMs) => closeServer(server, sockets, graceMs),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explainListenError(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

function explainListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new ConfigurationError(
        `Port ${port} is already in use on ${host}. Stop the other program, or choose another port: set PORT=${port + 1} or use --port ${port + 1}.`,
      );
    case "EACCES":
      return new ConfigurationError(
        `This account may not listen on port ${port}. Choose a port above 1023 with PORT or --port.`,
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new ConfigurationError(
        `This machine has no address ${host}. Set HOST or --host to one of its own, such as 127.0.0.1.`,
      );
    default:
      return error;
  }
}

function closeServer(server: Server, sockets: SocketUpgrades, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_INTERVAL_MS);
    const deadline = setTimeout(() => {
      server.closeAllConnections();
      sockets.terminate();
    }, graceMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(deadline);
      resolve();
    });
    server.closeIdleConnections();
    sockets.close();
  });
}
