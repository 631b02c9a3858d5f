// GET /runs/{run_id}/stream
import { z } from "@hono/zod-openapi";
import { defineOperation } from "../../operation.ts";
import { uuidSchema } from "../../wire.ts";
import { joinQuerySchema, joinStream } from "./join-run-stream.ts";
import { lastEventIdHeader } from "./last-event-id.ts";
import { statelessRunPath } from "./run-wire.ts";
import { SSE_ANSWER } from "./stream-docs.ts";

export const joinStatelessRunStream = defineOperation({
  method: "get",
  path: "/runs/{run_id}/stream",
  tag: "Stateless runs",
  summary: "Join the stream of a run without a thread",
  params: z.object({ run_id: uuidSchema }),
  query: joinQuerySchema,
  headers: lastEventIdHeader,
  answers: { 200: SSE_ANSWER },
  isLongLived: true,
  async handle(call) {
    const access = await call.authorize("threads", "read", { run_id: call.params.run_id });
    const run = await call.services.runs.findRun(call.params.run_id, undefined, access);
    return joinStream(call, run, statelessRunPath);
  },
});
