// POST /threads/{thread_id}/stream/events
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { z } from "@hono/zod-openapi";
import { HoldfastError } from "../../../../domain/errors.ts";
import { omitUndefined } from "../../../../domain/json.ts";
import { toRunError } from "../../../error-response.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { SseConnection } from "../../../sse/sse-connection.ts";
import { toSseEvent } from "../../protocol/event-frame.ts";
import { selectionSchema, selectTapeEvents } from "../../protocol/event-selection.ts";
import { openTape } from "../../protocol/tape-access.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const streamThreadEvents = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/stream/events",
  tag: "Threads",
  summary: "Follow a thread's events",
  description:
    "First the events of the newest runs, then each event as it happens; the stream stays open between runs until the client " +
    "leaves. A thread that does not exist yet is waited for. The same over a WebSocket: GET this path.",
  params: threadPathSchema,
  body: selectionSchema,
  misfitStatus: 400,
  bodyExample: { channels: ["values", "messages", "lifecycle"], namespaces: [[]], depth: 1 },
  answers: {
    200: { description: "Server-sent events", contentType: "text/event-stream", schema: z.string() },
    ...failures(400, 404),
  },
  isLongLived: true,
  async handle(call) {
    const { params, body: selection, services, context } = call;
    const access = await openTape(call, params.thread_id);
    await services.engine.expectFollower(params.thread_id);
    const connection = new SseConnection(call, {});
    const isSelected = selectTapeEvents(selection);
    const stop = services.engine.followThread(
      params.thread_id,
      omitUndefined({ ...access, since: selection.since ?? undefined }),
      {
        events: (batch) => connection.sendEvents(batch.filter(isSelected).map(toSseEvent)),
        failed: (error) => {
          if (!(error instanceof HoldfastError)) toRunError(error, context, services.report);
          connection.abort();
        },
      },
    );
    connection.onClose(stop);
    return RESPONSE_ALREADY_SENT;
  },
});
