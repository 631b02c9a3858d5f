// PATCH /threads/{thread_id}/state
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../../domain/json.ts";
import { defineOperation, failures } from "../../../operation.ts";
import { metadataSchema } from "../../../wire.ts";
import { threadPathSchema } from "../thread-wire.ts";

export const patchThreadState = defineOperation({
  method: "patch",
  path: "/threads/{thread_id}/state",
  tag: "Threads",
  summary: "Merge metadata into a thread",
  description: "Kept for older clients; the same as updating the thread's metadata.",
  params: threadPathSchema,
  body: z.object({ metadata: metadataSchema }),
  bodyExample: { metadata: { title: "Order 66" } },
  answers: { 204: { description: "Merged" }, ...failures(404) },
  async handle({ params, body, services, authorize, context }) {
    const value = { thread_id: params.thread_id, action: "update", metadata: body.metadata as JsonObject };
    const access = await authorize("threads", "update", value);
    await services.threads.updateThread(params.thread_id, { metadata: value.metadata }, access);
    return context.body(null, 204);
  },
});
