// An MCP server made with the official SDK: over standard input and output, or over streamable HTTP on the port that is its argument.
import { createServer } from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const text = (value) => ({ content: [{ type: "text", text: value }] });

function createMcpServer() {
  const server = new McpServer({ name: "fixture", version: "1.0.0" });
  const add = { description: "Adds.", inputSchema: { a: z.number(), b: z.number() } };
  server.registerTool("add", add, ({ a, b }) => text(String(a + b)));
  server.registerTool("fail", { description: "Fails." }, () => ({ ...text("no luck"), isError: true }));
  server.registerTool("long", { description: "Says much." }, () => text("word ".repeat(1_000)));
  server.registerTool("sleep", { description: "Never answers." }, () => new Promise(() => undefined));
  return server;
}

const port = process.argv[2];
if (port === undefined) await createMcpServer().connect(new StdioServerTransport());
else {
  const http = createServer(async (request, response) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    response.on("close", () => void transport.close());
    await createMcpServer().connect(transport);
    await transport.handleRequest(request, response);
  });
  http.listen(Number(port), "127.0.0.1", () => console.log("ready"));
}
