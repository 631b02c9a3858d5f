// POST /runs/stream
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../operation.ts";
import { createRun } from "./create-run.ts";
import { statelessRunCreateSchema } from "./run-create-body.ts";
import { streamRun } from "./run-stream.ts";
import { statelessRunPath } from "./run-wire.ts";
import { namespaceQuery, SSE_ANSWER } from "./stream-docs.ts";
import { selectEvents } from "./stream-filter.ts";

export const streamStatelessRun = defineOperation({
  method: "post",
  path: "/runs/stream",
  tag: "Stateless runs",
  summary: "Start a run without a thread and stream its events",
  query: z.object({ namespace: namespaceQuery }),
  body: statelessRunCreateSchema,
  answers: { 200: SSE_ANSWER, ...failures(404) },
  isLongLived: true,
  idempotency: "run",
  async handle(call) {
    const run = await createRun(call, { body: call.body, isFollowed: true });
    return streamRun(call, run, {
      path: statelessRunPath(run),
      afterSeq: -1,
      isSelected: selectEvents({ namespaces: call.query.namespace }),
      cancelOnDisconnect: call.body.on_disconnect === "cancel",
    });
  },
});
