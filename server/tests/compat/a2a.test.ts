// An assistant as an A2A agent, through the official A2A client.

import type { Message, MessageSendParams, Task } from "@a2a-js/sdk";
import { A2AClient } from "@a2a-js/sdk/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ graphs: ["agent", "ask", "failing"] });
});
afterAll(() => server[Symbol.asyncDispose]());

const clientOf = (assistant: string) =>
  A2AClient.fromCardUrl(`${server.url}/a2a/${assistant}/.well-known/agent-card.json`);

let messageCount = 0;
function say(text: string, contextId?: string): MessageSendParams {
  const message: Message = {
    kind: "message",
    role: "user",
    messageId: `m${messageCount++}`,
    parts: [{ kind: "text", text }],
    ...(contextId === undefined ? {} : { contextId }),
  };
  return { message };
}

async function send(client: A2AClient, params: MessageSendParams): Promise<Task> {
  const response = await client.sendMessage(params);
  if ("error" in response) throw new Error(response.error.message);
  return response.result as Task;
}

it("describes the assistant on its card", async () => {
  const card = await (await clientOf("agent")).getAgentCard();
  expect(card).toMatchObject({
    name: "agent",
    description: "Answers, and looks things up",
    capabilities: { streaming: true },
  });
  const byQuery = await fetch(`${server.url}/.well-known/agent-card.json?assistant_id=agent`, {
    headers: { "x-forwarded-proto": "https", "x-forwarded-host": "agents.example" },
  });
  expect(((await byQuery.json()) as { url: string }).url).toMatch(/^https:\/\/agents\.example\/a2a\//);
  expect((await fetch(`${server.url}/.well-known/agent-card.json?assistant_id=nobody`)).status).toBe(404);
});

it("keeps a conversation in its context and finds the task again", async () => {
  const client = await clientOf("agent");
  const first = await send(client, say("hello there"));
  expect(first.status.state).toBe("completed");
  const [part] = first.artifacts![0]!.parts;
  expect(part).toMatchObject({ kind: "text", text: expect.stringContaining("hello there") });
  const second = await send(client, say("and again", first.contextId));
  expect(second.contextId).toBe(first.contextId);
  const found = await client.getTask({ id: second.id });
  expect("result" in found && found.result).toMatchObject({ id: second.id, status: { state: "completed" } });
});

it("streams the agent's words and ends with the whole answer", async () => {
  const client = await clientOf("agent");
  const states: string[] = [];
  let words = "";
  let whole = "";
  for await (const event of client.sendMessageStream(say("one two three"))) {
    if (event.kind === "status-update") states.push(`${event.status.state}${event.final ? "!" : ""}`);
    if (event.kind !== "artifact-update") continue;
    const text = event.artifact.parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
    if (event.lastChunk) whole = text;
    else words += text;
  }
  expect(states).toEqual(["working", "completed!"]);
  expect(whole).toContain("one two three");
  expect(words).toBe(whole);
});

it("says when input is required, and goes on with it", async () => {
  const client = await clientOf("ask");
  const asked = await send(client, say("please"));
  expect(asked.status.state).toBe("input-required");
  const resumed = await fetch(`${server.url}/a2a/ask`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "message/send",
      params: { ...say("go on", asked.contextId), command: { resume: "yes" } },
    }),
  });
  expect(((await resumed.json()) as { result: Task }).result.status.state).toBe("completed");
});

it("reports failures, unknown tasks, methods and wrong parameters by their codes", async () => {
  const failed = await send(await clientOf("failing"), say("boom"));
  expect(failed.status.state).toBe("failed");
  const rpc = async (method: string, params: unknown) => {
    const response = await fetch(`${server.url}/a2a/agent`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    return ((await response.json()) as { error: { code: number } }).error.code;
  };
  expect(await rpc("tasks/get", { id: "01a204ae-d375-770e-9164-aa42dfe50955" })).toBe(-32_001);
  expect(await rpc("tasks/cancel", { id: "x" })).toBe(-32_004);
  expect(await rpc("no/such", {})).toBe(-32_601);
  expect(await rpc("message/send", { message: { role: "user", parts: [] } })).toBe(-32_602);
  const envelope = await fetch(`${server.url}/a2a/agent`, { method: "POST", body: JSON.stringify({ hello: 1 }) });
  expect(envelope.status).toBe(400);
  expect((await fetch(`${server.url}/a2a/nobody`, { method: "POST", body: "{}" })).status).toBe(404);
});
