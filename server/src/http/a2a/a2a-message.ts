// What an A2A client sends: its JSON-RPC envelope, and the message that becomes a run's input.
import { z } from "@hono/zod-openapi";
import { isUuid } from "../../domain/ids.ts";
import type { JsonObject } from "../../domain/json.ts";
import { commandSchema } from "../langgraph/runs/run-create-body.ts";

/** A failure that the JSON-RPC answer tells; the HTTP status stays 200. */
export class RpcError extends Error {
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string) {
    super(message);
    this.rpcCode = rpcCode;
  }
}

export const RPC_CODES = {
  methodNotFound: -32_601,
  invalidParams: -32_602,
  taskNotFound: -32_001,
  unsupported: -32_004,
} as const;

export const envelopeSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  method: z.string(),
  params: z.unknown().optional(),
});

const partSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("text"), text: z.string() }),
  z.object({ kind: z.literal("data"), data: z.record(z.string(), z.unknown()) }),
]);

const messageParamsSchema = z.object({
  message: z.object({
    role: z.enum(["user", "agent"]),
    parts: z.array(partSchema).min(1),
    messageId: z.string().min(1),
    contextId: z.string().refine(isUuid, { error: "must be a UUID: it is the id of a thread" }).optional(),
    taskId: z.string().optional(),
  }),
  context: z.record(z.string(), z.unknown()).optional(),
  command: commandSchema.optional(),
});
export type MessageParams = z.output<typeof messageParamsSchema>;

const taskParamsSchema = z.object({
  id: z.string().refine(isUuid, { error: "must be a UUID: it is the id of a run" }),
  contextId: z.string().refine(isUuid, { error: "must be a UUID" }).optional(),
  historyLength: z.int().min(0).max(10).optional(),
});
export type TaskParams = z.output<typeof taskParamsSchema>;

/** @throws RpcError naming what is wrong */
export function parseMessageParams(params: unknown): MessageParams {
  return parse(messageParamsSchema, params);
}

/** @throws RpcError naming what is wrong */
export function parseTaskParams(params: unknown): TaskParams {
  return parse(taskParamsSchema, params);
}

function parse<Schema extends z.ZodType>(schema: Schema, params: unknown): z.output<Schema> {
  const result = schema.safeParse(params ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${["params", ...path].join(".")}: ${message}`);
  throw new RpcError(RPC_CODES.invalidParams, problems.join("; "));
}

/** The run's input: texts become one message, data are laid over it. */
export function toRunInput({ role, parts, messageId }: MessageParams["message"]): JsonObject {
  const texts = parts.flatMap((part) => (part.kind === "text" ? [part.text] : []));
  const data = Object.assign({}, ...parts.map((part) => (part.kind === "data" ? part.data : {}))) as JsonObject;
  if (texts.length === 0) return data;
  const type = role === "user" ? "human" : "ai";
  return { messages: [{ type, id: messageId, content: texts.join("\n") }], ...data };
}
