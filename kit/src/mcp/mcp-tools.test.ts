// Tools of real MCP servers, over a program's standard input and over HTTP: called under limits; a dead server degrades the agent.
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { createAgent } from "langchain";
import { afterEach, expect, it } from "vitest";
import { createModel } from "../models/create-model.ts";
import { toolGuardMiddleware } from "../tools/tool-guard-middleware.ts";
import { McpTools, mcpMiddleware } from "./mcp-tools.ts";

const program = fileURLToPath(new URL("./server.fixture.js", import.meta.url));
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const quick = { backoff: { firstDelayMs: 20, delayMsMax: 50 } };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startHttpServer(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [program, String(port)], { stdio: ["ignore", "pipe", "inherit"] });
  open.push(() => child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout!.once("data", resolve));
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function connect(servers: ConstructorParameters<typeof McpTools>[0]): McpTools {
  const mcp = new McpTools(servers, {
    ...quick,
    limitsBy: { files: { outputCharactersMax: 200 }, "files.sleep": { timeoutMs: 100 } },
  });
  open.push(() => mcp.close());
  return mcp;
}

async function startAgent(
  mcp: McpTools,
): Promise<{ stub: ProviderStub; ask: (text: string) => Promise<BaseMessage[]> }> {
  const stub = await startOpenAiStub();
  open.push(() => stub.close());
  const model = await createModel("openai:gpt-4o", { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 });
  const agent = createAgent({
    model,
    tools: [],
    systemPrompt: "Help.",
    middleware: [toolGuardMiddleware(), mcpMiddleware(mcp)],
  });
  const ask = async (text: string) => (await agent.invoke({ messages: [new HumanMessage(text)] })).messages;
  return { stub, ask };
}

const results = (messages: BaseMessage[]) =>
  messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
const calling = (name: string, args = {}) => ({ toolCalls: [{ name, args }] });

it("are listed and called over standard input and HTTP, with the same limits as any tool", async () => {
  const port = await freePort();
  await startHttpServer(port);
  const mcp = connect({
    files: { command: process.execPath, args: [program] },
    web: { url: `http://127.0.0.1:${port}/mcp` },
  });
  const tools = await mcp.list();
  // Both servers offer the same; the first one's are taken.
  expect(tools.map(({ name }) => name).sort()).toEqual(["add", "fail", "long", "sleep"]);
  expect(mcp.problems()).toEqual([]);
  const { stub, ask } = await startAgent(mcp);
  stub.script(
    calling("add", { a: 2, b: 3 }),
    calling("add", { a: "x" }),
    calling("fail"),
    calling("long"),
    calling("sleep"),
    "Done.",
  );
  const messages = await ask("Go");
  const told = results(messages);
  expect(told[0]).toContain("5");
  expect(told[1]).toContain("`add`");
  expect(told[2]).toMatch(/`fail`.*no luck/s);
  expect(told[3]).toMatch(/characters were left out/);
  expect(told[4]).toMatch(/did not answer within 0.1 seconds/);
  expect(messages.at(-1)!.text).toBe("Done.");
  expect(stub.calls.every(({ status }) => status === 200)).toBe(true);
});

it("of a server that dies say so to the model, and are used again when it is back", async () => {
  const port = await freePort();
  const server = await startHttpServer(port);
  const mcp = connect({ web: { url: `http://127.0.0.1:${port}/mcp` } });
  const { stub, ask } = await startAgent(mcp);
  stub.script(calling("add", { a: 1, b: 1 }), "Two.");
  expect(results(await ask("Add"))[0]).toContain("2");
  await kill(server);
  stub.script(calling("add", { a: 1, b: 1 }), "It is away.");
  const away = await ask("Add again");
  expect(results(away)[0]).toMatch(/`add` failed: The tool server "web" is not reachable/);
  expect(away.at(-1)!.text).toBe("It is away.");
  const systemText = stub.calls.at(-1)!.conversation!.messages[0]!.text;
  expect(systemText).toMatch(
    /^Help\.\n\nThe tool server "web" is not reachable \(.+\); its tools cannot be used now\.$/,
  );
  await startHttpServer(port);
  await sleep(200);
  stub.script(calling("add", { a: 2, b: 2 }), "Four.");
  expect(results(await ask("And now?"))[0]).toContain("4");
  expect(mcp.problems()).toEqual([]);
});

it("of a server that is dead from the start are missing, and the agent works all the same", async () => {
  const mcp = connect({ gone: { command: "/no/such/program" }, files: { command: process.execPath, args: [program] } });
  const { stub, ask } = await startAgent(mcp);
  stub.script(calling("add", { a: 1, b: 2 }), "Three.");
  const messages = await ask("Add");
  expect(results(messages)[0]).toContain("3");
  expect(mcp.problems()).toHaveLength(1);
  expect(stub.calls[0]!.conversation!.messages[0]!.text).toContain('The tool server "gone" is not reachable');
});
