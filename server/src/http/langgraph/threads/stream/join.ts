// GET /threads/{thread_id}/stream
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { z } from "@hono/zod-openapi";
import { HoldfastError } from "../../../../domain/errors.ts";
import type { StreamEvent } from "../../../../domain/stream-event.ts";
import { type TapeEvent, toPlainEvent } from "../../../../domain/thread-tape.ts";
import { toRunError } from "../../../error-response.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { SseConnection } from "../../../sse/sse-connection.ts";
import { openTape } from "../../protocol/tape-access.ts";
import { lastEventIdHeader, readLastEventId } from "../../runs/last-event-id.ts";
import { requireThread, threadPathSchema } from "../thread-wire.ts";

const MODES = ["run_modes", "lifecycle", "state_update"] as const;

const modesSchema = z.array(z.enum(MODES)).optional();

/** The run's id stands between the first two colons of these events' ids. */
function toLifecycle({ seq, eventId, params }: TapeEvent): StreamEvent {
  const { data } = JSON.parse(params) as { data: object };
  return { seq, event: "lifecycle", data: JSON.stringify({ ...data, run_id: eventId.split(":")[1] }) };
}

export const joinThreadStream = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/stream",
  tag: "Threads",
  summary: "Join the streams of all runs of a thread",
  description:
    "The events of one run after the other, in the modes each was started with; the stream stays open between runs. `Last-Event-ID` " +
    "goes on after that event, `-` begins with the oldest run that is still kept; without it only a run in progress and later ones " +
    "are sent. `lifecycle` tells of the beginning and end of each run. `state_update` is accepted, but changes of the state by hand " +
    "are not told.",
  params: threadPathSchema,
  query: z.object({
    stream_modes: modesSchema.openapi({ description: "Default: run_modes." }),
    stream_mode: modesSchema.openapi({ description: "The same, as the SDK calls it." }),
  }),
  headers: lastEventIdHeader,
  answers: {
    200: { description: "Server-sent events", contentType: "text/event-stream", schema: z.string() },
    ...failures(404),
  },
  isLongLived: true,
  async handle(call) {
    const { params, query, services, authorize, context } = call;
    await requireThread(
      services,
      params.thread_id,
      await authorize("threads", "read", { thread_id: params.thread_id }),
    );
    const access = await openTape(call, params.thread_id);
    const asked = [...(query.stream_modes ?? []), ...(query.stream_mode ?? [])];
    const modes = new Set<(typeof MODES)[number]>(asked.length === 0 ? ["run_modes"] : asked);
    const since = readLastEventId(context) ?? "now";
    const connection = new SseConnection(call, {});
    const present = (event: TapeEvent): StreamEvent[] => {
      const isLifecycle = event.eventId.startsWith("synth:");
      if (!modes.has(isLifecycle ? "lifecycle" : "run_modes")) return [];
      return [isLifecycle ? toLifecycle(event) : { seq: event.seq, event: event.method, data: event.params }];
    };
    const stop = services.engine.followThread(
      params.thread_id,
      { ...access, since, toEvent: toPlainEvent },
      {
        events: (batch) => connection.sendEvents(batch.flatMap(present)),
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
