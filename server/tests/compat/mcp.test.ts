// Assistants as tools, through the official MCP client.
import { Client as SdkClient } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectMcp, type McpClient } from "../harness/mcp-client.ts";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

let server: TestServer;
let client: McpClient;
beforeAll(async () => {
  server = await startTestServer({ graphs: ["agent", "failing"] });
  client = await connectMcp(`${server.url}/mcp`);
});
afterAll(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

it("lists one tool per assistant with the graph's input schema", async () => {
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name).sort()).toEqual(["agent", "failing"]);
  const agent = tools.find((tool) => tool.name === "agent");
  expect(agent?.description).toBe("Answers, and looks things up");
  expect(agent?.inputSchema.type).toBe("object");
});

it("runs the assistant and gives its values back, leaving no thread behind", async () => {
  const sdk = new SdkClient({ apiUrl: server.url });
  const before = await sdk.threads.count();
  const result = await client.callTool({
    name: "agent",
    arguments: { messages: [{ role: "user", content: "hello there" }] },
  });
  const [content] = result.content;
  expect(result.isError).toBe(false);
  const { messages } = JSON.parse(content!.text) as { messages: { type: string; content: string }[] };
  expect(messages.map((message) => message.type)).toEqual(["human", "ai"]);
  expect(await sdk.threads.count()).toBe(before);
});

it("reports a failed run as a result, and an unknown tool as an error", async () => {
  const failed = await client.callTool({ name: "failing", arguments: { messages: [] } });
  expect(failed.isError).toBe(true);
  expect(failed.content[0]!.text).toContain("__error__");
  await expect(client.callTool({ name: "nobody", arguments: {} })).rejects.toThrow("Unknown tool: nobody");
});

it("offers an assistant of one's own under a name that fits, and takes it away with the assistant", async () => {
  const sdk = new SdkClient({ apiUrl: server.url });
  const assistant = await sdk.assistants.create({ graphId: "agent", name: "Kundendienst (Köln) <1>" });
  const name = (await client.listTools()).tools
    .map((tool) => tool.name)
    .find((each) => each.startsWith("Kundendienst"));
  expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  const result = await client.callTool({ name: name!, arguments: { messages: [{ role: "user", content: "hi" }] } });
  expect(result.isError).toBe(false);
  await sdk.assistants.delete(assistant.assistant_id);
  await expect(client.callTool({ name: name!, arguments: {} })).rejects.toThrow("Unknown tool");
});

it("answers a ping", async () => {
  expect(await client.ping()).toEqual({});
});

it("answers what is not the protocol with a clear refusal", async () => {
  const post = (headers: Record<string, string>, body: string) =>
    fetch(`${server.url}/mcp`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  const list = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  expect((await post({ accept: "application/json" }, list)).status).toBe(400);
  const both = { accept: "application/json, text/event-stream" };
  expect((await post(both, "{")).status).toBe(400);
  const unknown = await post(both, JSON.stringify({ jsonrpc: "2.0", id: 1, method: "no/such" }));
  expect(await unknown.json()).toMatchObject({ error: { code: -32601 } });
  expect((await post(both, JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }))).status).toBe(202);
  expect((await fetch(`${server.url}/mcp`)).status).toBe(405);
});
