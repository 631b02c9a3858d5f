// A run between our words and the wire.
import { z } from "@hono/zod-openapi";
import { NotFoundError } from "../../../domain/errors.ts";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import { MULTITASK_STRATEGIES, RUN_STATUSES, type Run, type RunKwargs } from "../../../domain/run.ts";
import { jsonObjectSchema, metadataSchema, presentGraphConfig, uuidSchema } from "../../wire.ts";

export const runPathSchema = z.object({ thread_id: uuidSchema, run_id: uuidSchema });

export const runStatusSchema = z.enum(RUN_STATUSES);

export const cancelActionSchema = z.enum(["interrupt", "rollback"]);

export const runSchema = z
  .object({
    run_id: uuidSchema,
    thread_id: uuidSchema,
    assistant_id: uuidSchema,
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
    status: runStatusSchema,
    metadata: metadataSchema,
    kwargs: jsonObjectSchema,
    multitask_strategy: z.enum(MULTITASK_STRATEGIES),
    cancel_reason: z.string().optional(),
  })
  .openapi("Run", {
    example: {
      run_id: "0198c1f0-6c01-7d1e-8a44-20c1d4be5f32",
      thread_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21",
      assistant_id: "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
      created_at: "2026-01-02T03:04:05.678Z",
      updated_at: "2026-01-02T03:04:05.678Z",
      status: "pending",
      metadata: {},
      kwargs: { input: { messages: [{ role: "user", content: "Hello" }] }, stream_mode: ["values"] },
      multitask_strategy: "enqueue",
    },
  });

export const RUN_FIELDS = [
  "run_id",
  "thread_id",
  "assistant_id",
  "created_at",
  "updated_at",
  "status",
  "metadata",
  "kwargs",
  "multitask_strategy",
] as const;

export function presentRun(run: Run): JsonObject {
  return {
    run_id: run.runId,
    thread_id: run.threadId,
    assistant_id: run.assistantId,
    created_at: run.createdAt.toISOString(),
    updated_at: run.updatedAt.toISOString(),
    status: run.status,
    metadata: run.metadata,
    kwargs: presentKwargs(run.kwargs),
    multitask_strategy: run.multitaskStrategy,
    ...(run.cancelReason === null ? {} : { cancel_reason: run.cancelReason }),
  };
}

function presentKwargs(kwargs: RunKwargs): JsonObject {
  const { checkpoint } = kwargs;
  return omitUndefined({
    graph_id: kwargs.graphId,
    input: kwargs.input,
    command: kwargs.command,
    config: presentGraphConfig(kwargs.config),
    context: kwargs.context,
    checkpoint:
      checkpoint &&
      omitUndefined({
        checkpoint_id: checkpoint.checkpointId,
        checkpoint_ns: checkpoint.checkpointNs,
        checkpoint_map: checkpoint.checkpointMap,
      }),
    stream_mode: kwargs.streamMode,
    subgraphs: kwargs.streamSubgraphs,
    resumable: kwargs.streamResumable,
    interrupt_before: kwargs.interruptBefore,
    interrupt_after: kwargs.interruptAfter,
    durability: kwargs.durability,
    feedback_keys: kwargs.feedbackKeys,
    webhook: kwargs.webhook,
    temporary: kwargs.isTemporary,
  });
}

/** Where a client finds a run on a thread; the SDK reads the ids from it. */
export function runPath(run: Run): string {
  return `/threads/${run.threadId}/runs/${run.runId}`;
}

/** Where a client finds a stateless run: its thread is none of the client's business. */
export function statelessRunPath(run: Run): string {
  return `/runs/${run.runId}`;
}

export function runNotFound(): NotFoundError {
  return new NotFoundError("Run not found");
}
