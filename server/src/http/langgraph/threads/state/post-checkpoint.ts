// POST /threads/{thread_id}/state/checkpoint
import { z } from "@hono/zod-openapi";
import { defineOperation, failures } from "../../../operation.ts";
import { checkpointRefSchema, toCheckpointRef } from "../../runs/run-create-body.ts";
import { JSON_HEADERS, stateSelectSchema, threadStateSchema, writeState } from "../state-wire.ts";
import { requireThread, stateContext, threadPathSchema } from "../thread-wire.ts";

export const postThreadStateCheckpoint = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/state/checkpoint",
  tag: "Threads",
  summary: "Get a thread's state at a checkpoint or in a subgraph",
  params: threadPathSchema,
  body: z.object({
    checkpoint: checkpointRefSchema,
    subgraphs: z.boolean().nullish(),
    select: stateSelectSchema.nullish(),
  }),
  bodyExample: { checkpoint: { checkpoint_id: "1f1e1c62-2b07-6a4b-8001-6f1cfa0f9d11", checkpoint_ns: "" } },
  answers: { 200: { description: "The state", schema: threadStateSchema }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access);
    const checkpoint = toCheckpointRef(body.checkpoint);
    const options = { subgraphs: body.subgraphs ?? false };
    const state = await services.threadStates.readState(stateContext(thread), checkpoint, options);
    return context.body(writeState(state, body.select), 200, JSON_HEADERS);
  },
});
