// The body that asks for a run: its schema, and its translation into a run request.
import { z } from "@hono/zod-openapi";
import { type JsonObject, omitUndefined } from "../../../domain/json.ts";
import { MULTITASK_STRATEGIES, type RunCommand, type RunKwargs, STREAM_MODES } from "../../../domain/run.ts";
import type { RunRequest } from "../../../runs/run-request.ts";
import { graphConfigSchema, jsonObjectSchema, metadataSchema, toGraphConfig } from "../../wire.ts";

/** Longest delay of a run: a year. */
const DELAY_SECONDS_MAX = 366 * 24 * 60 * 60;
/** Longest webhook address, feedback key, id of an assistant or checkpoint. */
const WEBHOOK_CHARS_MAX = 4_096;
const ID_CHARS_MAX = 512;

const gotoSchema = z.union([z.string(), z.object({ node: z.string(), input: z.unknown().optional() })]);

export const commandSchema = z
  .object({
    resume: z.unknown().optional(),
    update: z.union([jsonObjectSchema, z.array(z.tuple([z.string(), z.unknown()]))]).nullish(),
    goto: z.union([gotoSchema, z.array(gotoSchema)]).nullish(),
  })
  .openapi("Command", { example: { resume: { approved: true } } });

export const checkpointRefSchema = z
  .object({
    checkpoint_id: z.string().max(ID_CHARS_MAX).nullish(),
    checkpoint_ns: z.string().nullish(),
    checkpoint_map: jsonObjectSchema.nullish(),
  })
  .openapi("CheckpointRef");

const streamModeSchema = z.enum(STREAM_MODES);
const nodesSchema = z.union([z.literal("*"), z.array(z.string())]);

const webhookSchema = z
  .string()
  .max(WEBHOOK_CHARS_MAX)
  .refine((text) => text.startsWith("/") || isHttpUrl(text), {
    error: "must be an http(s) URL or a path that starts with /",
  });

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const commonFields = {
  assistant_id: z.string().min(1).max(ID_CHARS_MAX).openapi({ description: "An assistant's id or a graph's id." }),
  input: z.unknown().optional(),
  command: commandSchema.nullish(),
  config: graphConfigSchema.nullish(),
  context: jsonObjectSchema.nullish(),
  metadata: metadataSchema.nullish(),
  stream_mode: z.union([streamModeSchema, z.array(streamModeSchema)]).nullish(),
  stream_subgraphs: z.boolean().nullish(),
  stream_resumable: z.boolean().nullish(),
  interrupt_before: nodesSchema.nullish(),
  interrupt_after: nodesSchema.nullish(),
  on_disconnect: z.enum(["continue", "cancel"]).nullish(),
  webhook: webhookSchema.nullish(),
  feedback_keys: z.array(z.string().max(ID_CHARS_MAX)).nullish(),
  durability: z.enum(["sync", "async", "exit"]).nullish(),
  checkpoint_during: z.boolean().nullish().openapi({ deprecated: true }),
  after_seconds: z.number().min(0).max(DELAY_SECONDS_MAX).nullish(),
  priority: z.int().min(-100).max(100).nullish(),
  langsmith_tracer: z.object({ project_name: z.string().nullish(), example_id: z.string().nullish() }).nullish(),
};

const EXAMPLE = { assistant_id: "agent", input: { messages: [{ role: "user", content: "Hello" }] } };

/** A run on a thread. */
export const runCreateSchema = z
  .object({
    ...commonFields,
    checkpoint: checkpointRefSchema.nullish(),
    checkpoint_id: z.string().max(ID_CHARS_MAX).nullish(),
    multitask_strategy: z.enum(MULTITASK_STRATEGIES).nullish(),
    if_not_exists: z.enum(["reject", "create"]).nullish(),
    strict_resume: z.boolean().nullish(),
  })
  .openapi("RunCreate", { example: EXAMPLE });

/** A run without a thread of the client's. */
export const statelessRunCreateSchema = z
  .object({ ...commonFields, on_completion: z.enum(["delete", "keep"]).nullish() })
  .openapi("RunCreateStateless", { example: EXAMPLE });

export type RunCreateBody = z.output<typeof runCreateSchema> & {
  on_completion?: "delete" | "keep" | null | undefined;
};

/** The request in our words; `threadId` is absent for a stateless run. */
export function toRunRequest(body: RunCreateBody, threadId: string | undefined): RunRequest {
  const command = toCommand(body.command);
  return omitUndefined<RunRequest>({
    assistantId: body.assistant_id,
    threadId,
    // A command takes the input's place.
    input: command === undefined ? body.input : undefined,
    command,
    config: toRunConfig(body),
    context: body.context ?? undefined,
    metadata: body.metadata ?? undefined,
    checkpoint: toCheckpointRef(body.checkpoint, body.checkpoint_id),
    streamMode: toStreamModes(body.stream_mode),
    streamSubgraphs: body.stream_subgraphs ?? undefined,
    streamResumable: body.stream_resumable ?? undefined,
    interruptBefore: body.interrupt_before ?? undefined,
    interruptAfter: body.interrupt_after ?? undefined,
    durability: body.durability ?? fromCheckpointDuring(body.checkpoint_during),
    feedbackKeys: body.feedback_keys ?? undefined,
    webhook: body.webhook ?? undefined,
    strictResume: body.strict_resume ?? undefined,
    multitaskStrategy: body.multitask_strategy ?? undefined,
    ifNotExists: body.if_not_exists ?? undefined,
    onCompletion: body.on_completion ?? undefined,
    afterSeconds: body.after_seconds ?? undefined,
    priority: body.priority ?? undefined,
  });
}

export function toCommand(command: z.output<typeof commandSchema> | null | undefined): RunCommand | undefined {
  return command ? (omitUndefined(command) as RunCommand) : undefined;
}

/** Where to start from; `undefined` for the newest checkpoint. */
export function toCheckpointRef(
  checkpoint: z.output<typeof checkpointRefSchema> | null | undefined,
  checkpointId?: string | null,
): RunKwargs["checkpoint"] {
  const ref = omitUndefined({
    checkpointId: checkpoint?.checkpoint_id ?? checkpointId ?? undefined,
    checkpointNs: checkpoint?.checkpoint_ns ?? undefined,
    checkpointMap: checkpoint?.checkpoint_map ?? undefined,
  });
  return Object.keys(ref).length === 0 ? undefined : ref;
}

function toRunConfig(body: RunCreateBody): RunRequest["config"] {
  const tracer = tracerKeys(body);
  if (!body.config && tracer === undefined) return undefined;
  const config = toGraphConfig(body.config);
  return tracer === undefined ? config : { ...config, configurable: { ...config.configurable, ...tracer } };
}

function tracerKeys({ langsmith_tracer: tracer }: RunCreateBody): JsonObject | undefined {
  const keys = omitUndefined({
    langsmith_project: tracer?.project_name ?? undefined,
    langsmith_example_id: tracer?.example_id ?? undefined,
  });
  return Object.keys(keys).length === 0 ? undefined : keys;
}

function toStreamModes(mode: RunCreateBody["stream_mode"]): RunRequest["streamMode"] {
  if (mode === null || mode === undefined) return undefined;
  const modes = Array.isArray(mode) ? [...new Set(mode)] : [mode];
  return modes.length === 0 ? undefined : modes;
}

function fromCheckpointDuring(isDuring: boolean | null | undefined): RunRequest["durability"] {
  if (isDuring === null || isDuring === undefined) return undefined;
  return isDuring ? "async" : "exit";
}
