// POST /mcp: assistants as tools for clients of the Model Context Protocol (streamable HTTP, stateless).
import { z } from "@hono/zod-openapi";
import { BadRequestError } from "../../domain/errors.ts";
import { type Envelope, envelopeSchema, parseParams, RPC_CODES, RpcError } from "../json-rpc.ts";
import { type Caller, defineOperation, failures } from "../operation.ts";
import { callTool, listTools } from "./assistant-tools.ts";

/** Versions of the protocol this server speaks, newest first; the part it serves is the same in all. */
const PROTOCOL_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const initializeSchema = z.object({ protocolVersion: z.string() });
const listSchema = z.object({ cursor: z.string().optional() });
const callSchema = z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()).optional() });

export const postMcp = defineOperation({
  method: "post",
  path: "/mcp",
  tag: "Protocols",
  summary: "Call assistants as MCP tools",
  description:
    "Model Context Protocol over streamable HTTP, without sessions: one tool per assistant the caller may see.",
  body: z.unknown(),
  bodyExample: { jsonrpc: "2.0", id: 1, method: "tools/list" },
  answers: {
    200: { description: "The JSON-RPC answer", schema: z.unknown() },
    202: { description: "A notification was taken" },
    ...failures(400),
  },
  isLongLived: true,
  async handle(call) {
    const accept = call.context.req.header("accept") ?? "*/*";
    const accepts = (type: string) => accept.includes("*/*") || accept.includes(type);
    if (!accepts("application/json") || !accepts("text/event-stream")) {
      throw new BadRequestError("The header Accept must name both application/json and text/event-stream.");
    }
    const isBatch = Array.isArray(call.body);
    const messages = (isBatch ? call.body : [call.body]) as unknown[];
    const answers = (await Promise.all(messages.map((message) => answerMessage(call, message)))).filter(
      (each) => each !== undefined,
    );
    if (answers.length === 0) return call.context.body(null, 202);
    return call.context.json(isBatch ? answers : answers[0]!);
  },
});

/** The answer to one message; notifications and answers of the client's get none. */
async function answerMessage(call: Caller, message: unknown): Promise<object | undefined> {
  const parsed = envelopeSchema.safeParse(message);
  if (!parsed.success) {
    if (typeof message === "object" && message !== null && ("result" in message || "error" in message))
      return undefined;
    return {
      jsonrpc: "2.0",
      id: null,
      error: { code: RPC_CODES.invalidRequest, message: "Not a JSON-RPC 2.0 request" },
    };
  }
  const { id } = parsed.data;
  if (id === undefined) return undefined;
  try {
    return { jsonrpc: "2.0", id, result: await dispatch(call, parsed.data) };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { jsonrpc: "2.0", id, error: { code: error.rpcCode, message: error.message } };
  }
}

async function dispatch(call: Caller, { method, params }: Envelope): Promise<object> {
  switch (method) {
    case "initialize": {
      const { protocolVersion } = parseParams(initializeSchema, params);
      return {
        protocolVersion: PROTOCOL_VERSIONS.includes(protocolVersion) ? protocolVersion : PROTOCOL_VERSIONS[0],
        capabilities: { tools: { listChanged: false } },
        serverInfo: { name: "holdfast", version: call.services.info.version },
      };
    }
    case "ping":
      return {};
    case "tools/list":
      return listTools(call, parseParams(listSchema, params).cursor);
    case "tools/call":
      return callTool(call, parseParams(callSchema, params), call.context.req.raw.signal);
    default:
      throw new RpcError(RPC_CODES.methodNotFound, `Unknown method: ${method}`);
  }
}
