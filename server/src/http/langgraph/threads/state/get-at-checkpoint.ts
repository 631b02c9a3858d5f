// GET /threads/{thread_id}/state/{checkpoint_id}
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { JSON_HEADERS, threadStateSchema, writeState } from "../state-wire.ts";
import { requireThread, stateContext, threadPathSchema } from "../thread-wire.ts";
import { stateQuerySchema } from "./get.ts";

export const getThreadStateAtCheckpoint = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/state/{checkpoint_id}",
  tag: "Threads",
  summary: "Get a thread's state at a checkpoint",
  params: threadPathSchema.extend({ checkpoint_id: z.string().max(512) }),
  query: stateQuerySchema,
  answers: { 200: { description: "The state", schema: threadStateSchema }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access);
    const checkpoint = { checkpointId: params.checkpoint_id };
    const options = { subgraphs: query.subgraphs };
    const state = await services.threadStates.readState(stateContext(thread), checkpoint, options);
    return context.body(writeState(state, query.select), 200, JSON_HEADERS);
  },
});
