// Turns upgrade requests into WebSockets: each goes through the app like any other request, and its operation takes the socket.
import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { TakeSocket } from "../http-services.ts";

/** Close codes are this plus the HTTP status that the same request would have got; clients tell by it whether to come back. */
const CLOSE_CODE_BASE = 4_000;
const REASON_CHARS_MAX = 100;
/** Largest message from a client. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
/** Sent when the server stops: come back. */
const GOING_AWAY = 1_001;

/** Answers a request as the app would; the operation calls `takeSocket` where it wants the connection. */
type Answer = (request: Request, bindings: { incoming: IncomingMessage; takeSocket: TakeSocket }) => Promise<Response>;

export interface SocketUpgrades {
  /** Tells clients to come back later. */
  close(): void;
  /** Drops the connections that are still open. */
  terminate(): void;
}

/** Takes over the upgrade requests of `server`. */
export function acceptSockets(server: Server, answer: Answer): SocketUpgrades {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  server.on("upgrade", (incoming, socket, head) => {
    // A connection that breaks before the handshake is nobody's business.
    socket.on("error", () => socket.destroy());
    if (incoming.headers.upgrade?.toLowerCase() !== "websocket") {
      passOn(server, incoming, socket);
      return;
    }
    void upgrade(sockets, answer, incoming, socket, head).catch(() => socket.destroy());
  });
  return {
    close: () => {
      for (const socket of sockets.clients) socket.close(GOING_AWAY);
    },
    terminate: () => {
      for (const socket of sockets.clients) socket.terminate();
    },
  };
}

async function upgrade(
  sockets: WebSocketServer,
  answer: Answer,
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  let taker: ((socket: WebSocket) => void) | undefined;
  const takeSocket: TakeSocket = (open) => {
    taker = open;
  };
  const response = await answer(toRequest(incoming), { incoming, takeSocket });
  const refusal = await findRefusal(response, incoming, taker !== undefined);
  sockets.handleUpgrade(incoming, socket, head, (opened) => {
    if (refusal === undefined) taker!(opened);
    else opened.close(CLOSE_CODE_BASE + refusal.status, refusal.reason.slice(0, REASON_CHARS_MAX));
  });
}

/** Browsers ask nobody before they open a socket to another origin, so the origin is looked at here. */
async function findRefusal(
  response: Response,
  { headers }: IncomingMessage,
  isTaken: boolean,
): Promise<{ status: number; reason: string } | undefined> {
  const { origin, host } = headers;
  const allowed = response.headers.get("access-control-allow-origin");
  const isOwn = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
  const isOriginFine = origin === undefined || isOwn || allowed === "*" || allowed === origin;
  if (isTaken && isOriginFine) return undefined;
  if (!isOriginFine) return { status: 403, reason: `Origin ${origin} is not allowed` };
  if (response.ok) return { status: 404, reason: "No WebSocket here" };
  const body = (await response.json().catch(() => undefined)) as { detail?: unknown } | undefined;
  return { status: response.status, reason: typeof body?.detail === "string" ? body.detail : response.statusText };
}

function toRequest({ url = "/", headers }: IncomingMessage): Request {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, Array.isArray(value) ? value.join(", ") : value] as [string, string]],
  );
  return new Request(new URL(url, `http://${headers.host ?? "localhost"}`), { headers: entries });
}

/** An upgrade to something else (h2c) may be ignored: the request is answered as it is. */
function passOn(server: Server, incoming: IncomingMessage, socket: Duplex): void {
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => socket.end());
  server.emit("request", incoming, response);
}
