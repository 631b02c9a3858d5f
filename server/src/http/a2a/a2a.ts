// POST /a2a/{assistant_id}: an assistant as an agent for clients of the Agent2Agent protocol (JSON-RPC, version 0.3).
import { z } from "@hono/zod-openapi";
import { BadRequestError } from "../../domain/errors.ts";
import { mintId } from "../../domain/ids.ts";
import type { Run } from "../../domain/run.ts";
import { envelopeSchema, RPC_CODES, RpcError } from "../json-rpc.ts";
import { createRun } from "../langgraph/runs/create-run.ts";
import { type Caller, defineOperation, failures } from "../operation.ts";
import { parseMessageParams, parseTaskParams, toRunInput } from "./a2a-message.ts";
import { streamTask } from "./a2a-stream.ts";
import { describeRun, readResult, toTask } from "./a2a-task.ts";
import { requireAssistant } from "./agent-card.ts";

export const postA2a = defineOperation({
  method: "post",
  path: "/a2a/{assistant_id}",
  tag: "Protocols",
  summary: "Talk to an assistant over A2A",
  description:
    "JSON-RPC 2.0: `message/send`, `message/stream` (server-sent events), `tasks/get`. A context is a thread, a task is a run.",
  params: z.object({ assistant_id: z.string() }),
  body: z.unknown(),
  bodyExample: {
    jsonrpc: "2.0",
    id: 1,
    method: "message/send",
    params: {
      message: { role: "user", messageId: "m1", parts: [{ kind: "text", text: "What time is it in Tokyo?" }] },
    },
  },
  answers: {
    200: { description: "The JSON-RPC answer, or a stream of them", schema: z.unknown() },
    ...failures(400, 404),
  },
  isLongLived: true,
  async handle(call) {
    const assistant = await requireAssistant(call, call.params.assistant_id);
    const envelope = envelopeSchema.safeParse(call.body);
    if (!envelope.success)
      throw new BadRequestError(
        'The body must be a JSON-RPC 2.0 request: {"jsonrpc": "2.0", "id", "method", "params"}.',
      );
    const { id = null, method, params } = envelope.data;
    try {
      if (method === "message/stream") return await stream(call, assistant.assistantId, params, id);
      const result = await answer(call, assistant.assistantId, method, params);
      return call.context.json({ jsonrpc: "2.0", id, result });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return call.context.json({ jsonrpc: "2.0", id, error: { code: error.rpcCode, message: error.message } });
    }
  },
});

async function answer(call: Caller, assistantId: string, method: string, params: unknown): Promise<object> {
  switch (method) {
    case "message/send": {
      const run = await start(call, assistantId, params);
      const signal = call.context.req.raw.signal;
      return toTask(run, readResult(run, await call.services.engine.awaitRun(run.runId, signal)));
    }
    case "tasks/get":
      return getTask(call, params);
    case "tasks/cancel":
      throw new RpcError(RPC_CODES.unsupported, "Tasks cannot be cancelled over A2A; cancel the run instead.");
    default:
      throw new RpcError(RPC_CODES.methodNotFound, `Unknown method: ${method}`);
  }
}

async function stream(
  call: Caller,
  assistantId: string,
  params: unknown,
  id: string | number | null,
): Promise<Response> {
  if (!(call.context.req.header("accept") ?? "").includes("text/event-stream")) {
    throw new BadRequestError("The header Accept must name text/event-stream for message/stream.");
  }
  return streamTask(call, await start(call, assistantId, params, { isFollowed: true }), id);
}

async function start(
  call: Caller,
  assistantId: string,
  rawParams: unknown,
  options: { isFollowed?: boolean } = {},
): Promise<Run> {
  const { message, context, command } = parseMessageParams(rawParams);
  const body = {
    assistant_id: assistantId,
    ...(command === undefined ? { input: toRunInput(message) } : { command }),
    context,
    if_not_exists: "create" as const,
    stream_mode: ["values" as const, "messages-tuple" as const],
  };
  return createRun(call, { body, threadId: message.contextId ?? mintId(), ...options });
}

async function getTask(call: Caller, rawParams: unknown): Promise<object> {
  const { id, contextId } = parseTaskParams(rawParams);
  const access = await call.authorize("threads", "read", { thread_id: contextId ?? null });
  const run = await call.services.runs.findRun(id, contextId, access);
  if (run === undefined) throw new RpcError(RPC_CODES.taskNotFound, `Task not found: ${id}`);
  return describeRun(call, run);
}
