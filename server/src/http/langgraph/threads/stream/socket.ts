// GET /threads/{thread_id}/stream/events, as a WebSocket
import { UpgradeRequiredError } from "../../../../domain/errors.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { ProtocolSocket } from "../../protocol/protocol-socket.ts";
import { openTape } from "../../protocol/tape-access.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const openThreadSocket = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/stream/events",
  tag: "Threads",
  summary: "Commands and events of a thread over a WebSocket",
  description:
    "Commands go in as text frames, with `subscription.subscribe` and `subscription.unsubscribe` besides those of " +
    "`POST /threads/{thread_id}/commands`; answers and events come out. A connection that is refused is closed with 4000 plus the " +
    "HTTP status.",
  params: threadPathSchema,
  answers: { 101: { description: "The WebSocket" }, ...failures(404, 426) },
  isLongLived: true,
  async handle(call) {
    const { params, context } = call;
    const takeSocket = context.env?.takeSocket;
    if (takeSocket === undefined) throw new UpgradeRequiredError();
    await openTape(call, params.thread_id);
    takeSocket((socket) => new ProtocolSocket(socket, call, params.thread_id));
    return context.body(null, 200);
  },
});
