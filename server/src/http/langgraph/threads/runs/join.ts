// GET /threads/{thread_id}/runs/{run_id}/join
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { waitForRun } from "../../runs/run-wait.ts";
import { runNotFound, runPath, runPathSchema } from "../../runs/run-wire.ts";
import { WAIT_ANSWER } from "../../runs/stream-docs.ts";

export const joinThreadRun = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/runs/{run_id}/join",
  tag: "Thread runs",
  summary: "Wait for a run's result",
  params: runPathSchema,
  query: z.object({ cancel_on_disconnect: z.boolean().default(false) }),
  answers: { 200: WAIT_ANSWER, ...failures(404) },
  isLongLived: true,
  async handle(call) {
    const { params, query, services, authorize } = call;
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const run = await services.runs.findRun(params.run_id, params.thread_id, access);
    if (run === undefined) throw runNotFound();
    return waitForRun(call, run, {
      headers: { "content-location": runPath(run) },
      cancelOnDisconnect: query.cancel_on_disconnect,
    });
  },
});
