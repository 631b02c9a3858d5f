// A thread between the wire and our words: schemas, presenting, and the questions every thread route asks.
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../../domain/errors.ts";
import type { JsonObject } from "../../../domain/json.ts";
import type { AccessFilter } from "../../../domain/page.ts";
import type { StateContext } from "../../../domain/ports/graph-runtime.ts";
import { type NewThread, THREAD_STATUSES, type Thread, type ThreadSortKey } from "../../../domain/thread.ts";
import type { HttpServices } from "../../http-services.ts";
import { graphConfigSchema, jsonObjectSchema, metadataSchema, presentGraphConfig, uuidSchema } from "../../wire.ts";

/** Longest time to live: a hundred years, in minutes. */
const TTL_MINUTES_MAX = 100 * 365 * 24 * 60;

export const threadPathSchema = z.object({ thread_id: uuidSchema });

export const threadStatusSchema = z.enum(THREAD_STATUSES);

const ttlMinutesSchema = z.number().positive().max(TTL_MINUTES_MAX);

export const ttlSchema = z
  .union([
    ttlMinutesSchema,
    z.object({ strategy: z.enum(["delete", "keep_latest"]).default("delete"), ttl: ttlMinutesSchema }),
  ])
  .openapi({ description: "Minutes without a change after which the thread is removed or pruned.", example: 60 });

export const threadSchema = z
  .object({
    thread_id: uuidSchema,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    state_updated_at: z.iso.datetime().nullable(),
    metadata: metadataSchema,
    status: threadStatusSchema,
    config: graphConfigSchema,
    values: jsonObjectSchema.nullable(),
    interrupts: z.record(z.string(), z.array(jsonObjectSchema)),
    error: jsonObjectSchema.optional(),
    ttl: jsonObjectSchema.optional(),
    extracted: jsonObjectSchema.optional(),
  })
  .openapi("Thread", {
    example: {
      thread_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21",
      created_at: "2026-01-02T03:04:05.678Z",
      updated_at: "2026-01-02T03:04:09.012Z",
      state_updated_at: "2026-01-02T03:04:09.012Z",
      metadata: { graph_id: "agent", user_id: "u-17" },
      status: "idle",
      config: {},
      values: { messages: [{ type: "human", content: "Hello" }] },
      interrupts: {},
    },
  });

export const THREAD_FIELDS = [
  "thread_id",
  "created_at",
  "updated_at",
  "state_updated_at",
  "metadata",
  "config",
  "status",
  "values",
  "interrupts",
] as const;

/** Sort keys on the wire and in our words. */
export const THREAD_SORT_KEYS: Record<string, ThreadSortKey> = {
  thread_id: "threadId",
  status: "status",
  created_at: "createdAt",
  updated_at: "updatedAt",
  state_updated_at: "stateUpdatedAt",
};

export function presentThread(thread: Thread): JsonObject {
  return {
    thread_id: thread.threadId,
    created_at: thread.createdAt.toISOString(),
    updated_at: thread.updatedAt.toISOString(),
    state_updated_at: thread.stateUpdatedAt?.toISOString() ?? null,
    metadata: thread.metadata,
    status: thread.status,
    config: presentGraphConfig(thread.config),
    values: thread.values,
    interrupts: thread.interrupts,
    ...(thread.error === null ? {} : { error: thread.error }),
  };
}

export function presentTtl(thread: Thread): JsonObject | null {
  if (thread.ttl === null) return null;
  const { strategy, ttlMinutes, expiresAt } = thread.ttl;
  return { strategy, ttl: ttlMinutes, expires_at: expiresAt.toISOString() };
}

export function toTtl(ttl: z.output<typeof ttlSchema> | null | undefined): NewThread["ttl"] {
  if (ttl === null || ttl === undefined) return undefined;
  if (typeof ttl === "number") return { strategy: "delete", ttlMinutes: ttl };
  return { strategy: ttl.strategy, ttlMinutes: ttl.ttl };
}

export function threadNotFound(threadId: string): NotFoundError {
  return new NotFoundError(`Thread with ID ${threadId} not found`);
}

/**
 * A thread, without its values unless they are asked for.
 * @throws NotFoundError when it does not exist or the caller may not see it
 */
export async function requireThread(
  services: HttpServices,
  threadId: string,
  access: AccessFilter,
  options: { withValues: boolean } = { withValues: false },
): Promise<Thread> {
  const thread = await services.threads.findThread(threadId, access, options);
  if (thread === undefined) throw threadNotFound(threadId);
  return thread;
}

/** How the thread's state is read: with the graph that its runs used. */
export function stateContext(thread: Thread): StateContext {
  const graphId = thread.metadata.graph_id;
  return {
    threadId: thread.threadId,
    graphId: typeof graphId === "string" ? graphId : undefined,
    config: thread.config,
  };
}
