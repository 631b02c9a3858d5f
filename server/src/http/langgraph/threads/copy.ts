// POST /threads/{thread_id}/copy
import type { JsonObject } from "../../../domain/json.ts";
import { defineOperation, failures } from "../../operation.ts";
import { presentThread, threadPathSchema, threadSchema } from "./thread-wire.ts";

export const copyThread = defineOperation({
  method: "post",
  path: "/threads/{thread_id}/copy",
  tag: "Threads",
  summary: "Copy a thread",
  description: "Copies metadata and all checkpoints under a new id.",
  params: threadPathSchema,
  answers: { 200: { description: "The new thread", schema: threadSchema }, ...failures(409) },
  idempotency: "body",
  async handle({ params, services, authorize, context, creation }) {
    const threadId = creation.mintId();
    const access = await authorize("threads", "read", { thread_id: params.thread_id });
    const value = { thread_id: threadId, metadata: {} as JsonObject };
    await authorize("threads", "create", value);
    const earlier = creation.isRepeat ? await services.threads.findThread(threadId) : undefined;
    const copy = earlier ?? (await services.threads.copyThread(params.thread_id, threadId, access));
    // What the authoriser stamps on a new thread belongs on a copy too, above all its owner.
    if (Object.keys(value.metadata).length === 0) return context.json(presentThread(copy));
    return context.json(presentThread(await services.threads.updateThread(threadId, { metadata: value.metadata })));
  },
});
