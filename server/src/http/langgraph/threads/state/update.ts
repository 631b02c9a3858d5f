// POST /threads/{thread_id}/state
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { checkpointRefSchema, toCheckpointRef } from "../../runs/run-create-body.ts";
import { checkpointSchema, presentCheckpoint } from "../state-wire.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const updateThreadState = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/state",
  tag: "Threads",
  summary: "Change a thread's state",
  description: "Writes a checkpoint as if `as_node` had returned `values`. `checkpoint` is where to fork from.",
  params: threadPathSchema,
  body: z.object({
    values: z.unknown().optional(),
    as_node: z.string().nullish(),
    checkpoint: checkpointRefSchema.nullish(),
    checkpoint_id: z.string().nullish(),
  }),
  bodyExample: { values: { approved: true }, as_node: "review" },
  answers: {
    200: { description: "The new checkpoint", schema: z.object({ checkpoint: checkpointSchema }) },
    ...failures(400, 404, 409),
  },
  async handle({ params, body, services, authorize, context }) {
    const access = await authorize("threads", "update", { thread_id: params.thread_id, action: "update_state" });
    const update = omitUndefined({ values: body.values, asNode: body.as_node ?? undefined });
    const base = toCheckpointRef(body.checkpoint, body.checkpoint_id);
    const written = await services.engine.updateThreadState(params.thread_id, update, base, access);
    const checkpoint = presentCheckpoint(written);
    return context.json({ checkpoint, configurable: checkpoint, checkpoint_id: written.checkpointId });
  },
});
