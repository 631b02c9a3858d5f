// GET /threads/{thread_id}/runs/{run_id}/stream
import { defineOperation } from "../../../operation.ts";
import { joinQuerySchema, joinStream } from "../../runs/join-run-stream.ts";
import { lastEventIdHeader } from "../../runs/last-event-id.ts";
import { runPath, runPathSchema } from "../../runs/run-wire.ts";
import { SSE_ANSWER } from "../../runs/stream-docs.ts";

export const joinThreadRunStream = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/runs/{run_id}/stream",
  tag: "Thread runs",
  summary: "Join a run's stream",
  description:
    "`Last-Event-ID` goes on after that event; `-1` starts over. Without it a run in progress is sent from its first event, " +
    "and a run that has ended closes at once. A run that does not exist gives a single `error` event.",
  params: runPathSchema,
  query: joinQuerySchema,
  headers: lastEventIdHeader,
  answers: { 200: SSE_ANSWER },
  isLongLived: true,
  async handle(call) {
    const { params, services, authorize } = call;
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const run = await services.runs.findRun(params.run_id, params.thread_id, access);
    return joinStream(call, run, runPath);
  },
});
