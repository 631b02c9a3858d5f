// The official MCP client, with just the types the tests need: its own types pull in another face of zod that hides the OpenAPI
// extension of ours from the compiler.

export interface McpClient {
  listTools(): Promise<{ tools: { name: string; description?: string; inputSchema: { type: string } }[] }>;
  callTool(call: {
    name: string;
    arguments: object;
  }): Promise<{ content: { type: string; text: string }[]; isError?: boolean }>;
  ping(): Promise<unknown>;
  close(): Promise<void>;
}

const SDK = "@modelcontextprotocol/sdk/client";

export async function connectMcp(url: string): Promise<McpClient> {
  const [{ Client }, { StreamableHTTPClientTransport }] = await Promise.all([
    import(`${SDK}/index.js`),
    import(`${SDK}/streamableHttp.js`),
  ]);
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return client;
}
