// POST /threads
import { z } from "@hono/zod-openapi";
import { BadRequestError } from "../../../domain/errors.ts";
import type { JsonObject } from "../../../domain/json.ts";
import { defineOperation, failures } from "../../operation.ts";
import { metadataSchema, uuidSchema } from "../../wire.ts";
import { superstepsSchema, toSupersteps } from "./state-update-wire.ts";
import { presentThread, threadSchema, toTtl, ttlSchema } from "./thread-wire.ts";

export const createThread = defineOperation({
  method: "post",
  path: "/threads",
  tag: "Threads",
  summary: "Create a thread",
  description:
    "With `supersteps` the thread starts with the state that these updates give; `metadata.graph_id` is needed then.",
  body: z.object({
    thread_id: uuidSchema.nullish(),
    metadata: metadataSchema.nullish(),
    if_exists: z.enum(["raise", "do_nothing"]).nullish(),
    ttl: ttlSchema.nullish(),
    supersteps: superstepsSchema.nullish(),
  }),
  bodyExample: { metadata: { user_id: "u-17" } },
  answers: { 200: { description: "The thread", schema: threadSchema }, ...failures(400, 409) },
  idempotency: "body",
  async handle({ body, services, authorize, context, creation, settings }) {
    const threadId = body.thread_id ?? creation.mintId();
    const ifExists = body.if_exists ?? "raise";
    const value = { thread_id: threadId, metadata: body.metadata ?? {}, if_exists: ifExists };
    const access = await authorize("threads", "create", value);
    const metadata: JsonObject = value.metadata;
    const supersteps = toSupersteps(body.supersteps);
    if (supersteps.length > 0 && typeof metadata.graph_id !== "string") {
      throw new BadRequestError(`Thread ${threadId} has no graph ID`);
    }
    const mayExist = ifExists === "do_nothing" || creation.isRepeat;
    const existing = mayExist ? await services.threads.findThread(threadId, access) : undefined;
    // An earlier try of this request may have broken off between the thread and its history.
    const isHalfMade = creation.isRepeat && existing?.stateUpdatedAt === null && supersteps.length > 0;
    if (existing !== undefined && !isHalfMade) return context.json(presentThread(existing));
    const newThread = { threadId, metadata, ttl: toTtl(body.ttl) ?? settings.defaultThreadTtl };
    const thread = existing ?? (await services.threads.createThread(newThread, ifExists, access));
    if (supersteps.length === 0) return context.json(presentThread(thread));
    try {
      await services.engine.applySupersteps(threadId, supersteps, access);
    } catch (error) {
      // A thread with half of its history is worse than none.
      await services.threads.deleteThread(threadId, access);
      throw error;
    }
    return context.json(presentThread((await services.threads.findThread(threadId, access)) ?? thread));
  },
});
