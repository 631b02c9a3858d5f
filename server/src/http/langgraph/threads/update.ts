// PATCH /threads/{thread_id}
import { z } from "@hono/zod-openapi";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import { defineOperation, failures } from "../../operation.ts";
import { metadataSchema } from "../../wire.ts";
import { presentThread, threadPathSchema, threadSchema, toTtl, ttlSchema } from "./thread-wire.ts";

export const updateThread = defineOperation({
  method: "patch",
  path: "/threads/{thread_id}",
  tag: "Threads",
  summary: "Update a thread",
  description: "Merges `metadata` at the top level. With `Prefer: return=minimal` the answer is 204 without a body.",
  params: threadPathSchema,
  headers: z.object({ Prefer: z.string().optional().openapi({ example: "return=minimal" }) }),
  body: z.object({ metadata: metadataSchema.nullish(), ttl: ttlSchema.nullish() }),
  bodyExample: { metadata: { title: "Order 66" } },
  answers: {
    200: { description: "The thread", schema: threadSchema },
    204: { description: "Updated, as `Prefer: return=minimal` asked" },
    ...failures(404),
  },
  async handle({ params, body, services, authorize, context }) {
    const value = { thread_id: params.thread_id, action: "update", metadata: body.metadata ?? {} };
    const access = await authorize("threads", "update", value);
    const metadata: JsonObject = value.metadata;
    const patch = omitUndefined({
      metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
      ttl: toTtl(body.ttl),
    });
    const thread = await services.threads.updateThread(params.thread_id, patch, access);
    if (context.req.header("prefer")?.includes("return=minimal")) return context.body(null, 204);
    return context.json(presentThread(thread));
  },
});
