// What an A2A client sends: its JSON-RPC envelope, and the message that becomes a run's input.
import { z } from "@hono/zod-openapi";
import { isUuid } from "../../domain/ids.ts";
import type { JsonObject } from "../../domain/json.ts";
import { parseParams } from "../json-rpc.ts";
import { commandSchema } from "../langgraph/runs/run-create-body.ts";

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
  return parseParams(messageParamsSchema, params);
}

/** @throws RpcError naming what is wrong */
export function parseTaskParams(params: unknown): TaskParams {
  return parseParams(taskParamsSchema, params);
}

/** The run's input: texts become one message, data are laid over it. */
export function toRunInput({ role, parts, messageId }: MessageParams["message"]): JsonObject {
  const texts = parts.flatMap((part) => (part.kind === "text" ? [part.text] : []));
  const data = Object.assign({}, ...parts.map((part) => (part.kind === "data" ? part.data : {}))) as JsonObject;
  if (texts.length === 0) return data;
  const type = role === "user" ? "human" : "ai";
  return { messages: [{ type, id: messageId, content: texts.join("\n") }], ...data };
}
