// GET /threads/{thread_id}/state
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { JSON_HEADERS, stateSelectSchema, threadStateSchema, writeState } from "../state-wire.ts";
import { requireThread, stateContext, threadPathSchema } from "../thread-wire.ts";

export const stateQuerySchema = z.object({
  subgraphs: z
    .boolean()
    .default(false)
    .openapi({ description: "With the states of subgraphs that are being executed." }),
  select: stateSelectSchema.optional().openapi({ description: "Fields, or `values.<key>`." }),
});

export const getThreadState = defineOperation({
  method: "get",
  path: "/threads/{thread_id}/state",
  tag: "Threads",
  summary: "Get a thread's newest state",
  params: threadPathSchema,
  query: stateQuerySchema,
  answers: { 200: { description: "The state", schema: threadStateSchema }, ...failures(404) },
  async handle({ params, query, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access);
    const options = { subgraphs: query.subgraphs };
    const state = await services.threadStates.readState(stateContext(thread), undefined, options);
    return context.body(writeState(state, query.select), 200, JSON_HEADERS);
  },
});
