// POST /threads/{thread_id}/history
import { z } from "@hono/zod-openapi";
import { omitUndefined } from "../../../../domain/json.ts";
import type { CheckpointRef } from "../../../../domain/thread-state.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { jsonObjectSchema, limitSchema } from "../../../wire.ts";
import { checkpointRefSchema, toCheckpointRef } from "../../runs/run-create-body.ts";
import { JSON_HEADERS, stateSelectSchema, threadStateSchema, writeState } from "../state-wire.ts";
import { requireThread, stateContext, threadPathSchema } from "../thread-wire.ts";

/** A checkpoint id, a checkpoint's address, or a LangGraph config with the address in `configurable`. */
const beforeSchema = z.union([z.string(), z.object({ configurable: checkpointRefSchema }), checkpointRefSchema]);

export const postThreadHistory = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/history",
  tag: "Threads",
  summary: "Search a thread's states",
  description: "Newest first. `checkpoint.checkpoint_ns` chooses a subgraph; without it the root graph is listed.",
  params: threadPathSchema,
  body: z.object({
    limit: limitSchema.nullish(),
    before: beforeSchema.nullish(),
    metadata: jsonObjectSchema.nullish(),
    checkpoint: checkpointRefSchema.nullish(),
    select: stateSelectSchema.nullish(),
  }),
  bodyExample: { limit: 10 },
  answers: { 200: { description: "The states", schema: z.array(threadStateSchema) }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const thread = await requireThread(services, params.thread_id, access);
    const query = omitUndefined({
      limit: body.limit ?? 10,
      before: toBefore(body.before),
      metadata: body.metadata ?? undefined,
      checkpoint: toCheckpointRef(body.checkpoint),
    });
    const states = await services.threadStates.readHistory(stateContext(thread), query);
    return context.body(`[${states.map((state) => writeState(state, body.select)).join(",")}]`, 200, JSON_HEADERS);
  },
});

function toBefore(before: z.output<typeof beforeSchema> | null | undefined): CheckpointRef | undefined {
  if (before === null || before === undefined) return undefined;
  if (typeof before === "string") return before === "" ? undefined : { checkpointId: before };
  return toCheckpointRef("configurable" in before ? before.configurable : before);
}
