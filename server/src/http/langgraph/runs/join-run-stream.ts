// Joins the stream of a run that exists already, the same for runs on threads and stateless ones.
import { z } from "@hono/zod-openapi";
import { isTerminal, type Run, STREAM_MODES } from "../../../domain/run.ts";
import type { Caller } from "../../operation.ts";
import { readLastEventId } from "./last-event-id.ts";
import { streamNothing, streamRefusal, streamRun } from "./run-stream.ts";
import { namespaceQuery } from "./stream-docs.ts";
import { selectEvents } from "./stream-filter.ts";

export const joinQuerySchema = z.object({
  cancel_on_disconnect: z.boolean().default(false),
  stream_mode: z.array(z.enum(STREAM_MODES)).optional(),
  namespace: namespaceQuery,
  checkpoint_id: z.string().optional().openapi({ description: "Accepted for clients that send it; not used." }),
});

/** Streams the run from where the client left off; `undefined` stands for a run the caller may not see. */
export function joinStream(
  call: Caller & { query: z.output<typeof joinQuerySchema> },
  run: Run | undefined,
  pathOf: (run: Run) => string,
): Response {
  const afterSeq = readLastEventId(call.context);
  if (run === undefined) return streamRefusal(call, "404: Run not found");
  if (afterSeq === undefined && isTerminal(run.status)) return streamNothing(call, pathOf(run));
  return streamRun(call, run, {
    path: pathOf(run),
    afterSeq: afterSeq ?? -1,
    isSelected: selectEvents({ modes: call.query.stream_mode, namespaces: call.query.namespace }),
    cancelOnDisconnect: call.query.cancel_on_disconnect,
  });
}
