// POST /mcp: assistants as tools for clients of the Model Context Protocol (streamable HTTP, stateless); GET and DELETE have no session to serve.

import { z } from "@hono/zod-openapi";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { BadRequestError } from "../../domain/errors.ts";
import { type Caller, defineOperation, failures } from "../operation.ts";
import { callTool, listTools } from "./assistant-tools.ts";

const messageSchema = z.union([z.record(z.string(), z.unknown()), z.array(z.record(z.string(), z.unknown()))]);

export const postMcp = defineOperation({
  method: "post",
  path: "/mcp",
  tag: "Protocols",
  summary: "Call assistants as MCP tools",
  description:
    "Model Context Protocol over streamable HTTP, without sessions: one tool per assistant the caller may see.",
  body: messageSchema,
  bodyExample: { jsonrpc: "2.0", id: 1, method: "tools/list" },
  answers: {
    200: { description: "The JSON-RPC answer", schema: z.unknown() },
    202: { description: "A notification was taken" },
    ...failures(400),
  },
  isLongLived: true,
  async handle(call) {
    const accept = call.context.req.header("accept") ?? "";
    if (!accept.includes("application/json") || !accept.includes("text/event-stream")) {
      throw new BadRequestError("The header Accept must name both application/json and text/event-stream.");
    }
    const server = createServer(call);
    const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
    await server.connect(transport);
    return transport.handleRequest(call.context.req.raw, { parsedBody: call.body });
  },
});

/** One server per request: there is nothing to remember between two. */
function createServer(call: Caller): Server {
  const { version } = call.services.info;
  const server = new Server({ name: "holdfast", version }, { capabilities: { tools: { listChanged: false } } });
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => listTools(call, params?.cursor));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) => callTool(call, params, signal));
  return server;
}
