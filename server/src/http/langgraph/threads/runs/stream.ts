// POST /threads/{thread_id}/runs/stream
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { createRun } from "../../runs/create-run.ts";
import { runCreateSchema } from "../../runs/run-create-body.ts";
import { streamRun } from "../../runs/run-stream.ts";
import { runPath } from "../../runs/run-wire.ts";
import { namespaceQuery, SSE_ANSWER } from "../../runs/stream-docs.ts";
import { selectEvents } from "../../runs/stream-filter.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const streamThreadRun = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/runs/stream",
  tag: "Thread runs",
  summary: "Start a run and stream its events",
  params: threadPathSchema,
  query: z.object({ namespace: namespaceQuery }),
  body: runCreateSchema,
  answers: { 200: SSE_ANSWER, ...failures(404, 409) },
  isLongLived: true,
  idempotency: "run",
  async handle(call) {
    const run = await createRun(call, { body: call.body, threadId: call.params.thread_id, isFollowed: true });
    return streamRun(call, run, {
      path: runPath(run),
      afterSeq: -1,
      isSelected: selectEvents({ namespaces: call.query.namespace }),
      cancelOnDisconnect: call.body.on_disconnect === "cancel",
    });
  },
});
