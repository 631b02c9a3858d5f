// A thread's state between our words and the wire.
import { z } from "@hono/zod-openapi";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import type { CheckpointConfig, TaskState, ThreadState } from "../../../domain/thread-state.ts";
import { jsonObjectSchema, metadataSchema } from "../../wire.ts";

export const checkpointSchema = z
  .object({
    thread_id: z.string(),
    checkpoint_ns: z.string(),
    checkpoint_id: z.string().optional(),
    checkpoint_map: jsonObjectSchema.nullable().optional(),
  })
  .openapi("Checkpoint");

export const threadStateSchema = z
  .object({
    values: z.unknown(),
    next: z.array(z.string()),
    tasks: z.array(jsonObjectSchema),
    metadata: metadataSchema.optional(),
    created_at: z.string().nullable(),
    checkpoint: checkpointSchema.nullable(),
    parent_checkpoint: checkpointSchema.nullable(),
    interrupts: z.array(jsonObjectSchema).optional(),
  })
  .openapi("ThreadState", {
    example: {
      values: { messages: [{ type: "human", content: "Hello" }] },
      next: [],
      tasks: [],
      metadata: { source: "loop", step: 1 },
      created_at: "2026-01-02T03:04:09.012Z",
      checkpoint: {
        thread_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21",
        checkpoint_ns: "",
        checkpoint_id: "1f0e7b1a-2b07-6a4b-8001-6f1cfa0f9d11",
      },
      parent_checkpoint: null,
      interrupts: [],
    },
  });

/** Of an answer that is JSON text already. */
export const JSON_HEADERS = { "content-type": "application/json" } as const;

/** Field names, or `values.<key>` for single values. */
export const stateSelectSchema = z.array(z.string());

export function presentCheckpoint(checkpoint: CheckpointConfig | null): JsonObject | null {
  if (checkpoint === null) return null;
  return omitUndefined({
    thread_id: checkpoint.threadId,
    checkpoint_ns: checkpoint.checkpointNs,
    checkpoint_id: checkpoint.checkpointId,
    checkpoint_map: checkpoint.checkpointMap,
  });
}

/** JSON of the state in wire form, reduced to the selected fields. */
export function writeState(state: ThreadState, select?: readonly string[] | null): string {
  if (select && select.length > 0) return JSON.stringify(selectParts(presentState(state), select));
  return `{"values":${state.valuesJson},${JSON.stringify(presentFrame(state)).slice(1)}`;
}

function presentState(state: ThreadState): JsonObject {
  return { values: state.values, ...presentFrame(state) };
}

/** All but the values. */
function presentFrame(state: ThreadState): JsonObject {
  return omitUndefined<JsonObject>({
    next: state.next,
    tasks: state.tasks.map(presentTask),
    metadata: state.metadata,
    created_at: state.createdAt,
    checkpoint: presentCheckpoint(state.checkpoint),
    parent_checkpoint: presentCheckpoint(state.parentCheckpoint),
    interrupts: state.interrupts,
  });
}

function presentTask(task: TaskState): JsonObject {
  return {
    id: task.id,
    name: task.name,
    path: task.path,
    error: task.error,
    interrupts: task.interrupts,
    checkpoint: presentCheckpoint(task.checkpoint),
    state: task.state === null ? null : presentState(task.state),
    result: task.result ?? null,
  };
}

function selectParts(presented: JsonObject, select: readonly string[]): JsonObject {
  const valueKeys = select.filter((item) => item.startsWith("values.")).map((item) => item.slice("values.".length));
  const parts = Object.fromEntries(Object.entries(presented).filter(([key]) => select.includes(key)));
  if ("values" in parts || valueKeys.length === 0) return parts;
  const values = (presented.values ?? {}) as JsonObject;
  return { ...parts, values: Object.fromEntries(Object.entries(values).filter(([key]) => valueKeys.includes(key))) };
}
