// The commands of the event protocol about a thread's state: its checkpoints, forks of them, and messages put in by hand.
import { randomUUID } from "node:crypto";
import { Client } from "@langchain/langgraph-sdk";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { sendCommand, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["talk", "nested", "ask", "ask_nested"] });
const command = (threadId: string, method: string, params?: unknown) =>
  sendCommand(server.url, threadId, method, params);

async function runToEnd(params: object, threadId: string = randomUUID()): Promise<string> {
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  await command(threadId, "run.start", params);
  await reader.untilEnds();
  return threadId;
}

const says = (content: string) => ({ assistant_id: "talk", input: { messages: [{ type: "human", content }] } });

test("Checkpoints are listed newest first, with the node that led to each, page by page", async () => {
  const threadId = await runToEnd({ assistant_id: "nested", input: { trail: ["x"] } });
  const { result } = await command(threadId, "state.listCheckpoints", {});
  const { checkpoints } = result;
  expect(checkpoints.map(({ step, node_name }: { step: number; node_name?: string }) => [step, node_name])).toEqual([
    [2, "gp_two"],
    [1, "gp_one"],
    [0, undefined],
    [-1, undefined],
  ]);
  for (const { id, timestamp, metadata } of checkpoints) {
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Date(timestamp).getTime()).toBeLessThanOrEqual(Date.now());
    expect(metadata.run_id).toBeDefined();
  }
  const first = (await command(threadId, "state.listCheckpoints", { limit: 2 })).result.checkpoints;
  const before = first.at(-1).id;
  const rest = (await command(threadId, "state.listCheckpoints", { before })).result.checkpoints;
  expect([...first, ...rest]).toEqual(checkpoints);
});

test("Checkpoints of a subgraph are listed under its namespace", async () => {
  const threadId = await runToEnd({ assistant_id: "ask_nested", input: { answers: [] } });
  const state = (await send("GET", `${server.url}/threads/${threadId}/state`)).json;
  const namespace = [state.tasks[0].checkpoint.checkpoint_ns];
  const { checkpoints } = (await command(threadId, "state.listCheckpoints", { namespace })).result;
  expect(checkpoints.map(({ node_name }: { node_name?: string }) => node_name)).toContain("prepare");
  expect(await command(threadId, "state.listCheckpoints", { namespace: ["nowhere:1"] })).toMatchObject({
    error: "no_such_namespace",
  });
});

test("What cannot be listed or forked is refused in the protocol's words", async () => {
  const threadId = await runToEnd(says("hi"));
  const unknown = "1f0e7b1a-2b07-6a4b-8001-6f1cfa0f9d11";
  const refusals: [string, string, unknown, string][] = [
    [threadId, "state.listCheckpoints", { before: unknown }, "no_such_checkpoint"],
    [threadId, "state.listCheckpoints", { limit: 0 }, "invalid_argument"],
    [threadId, "state.listCheckpoints", { namespace: "x" }, "invalid_argument"],
    [randomUUID(), "state.listCheckpoints", {}, "no_such_run"],
    [threadId, "state.fork", { checkpoint_id: unknown }, "no_such_checkpoint"],
    [threadId, "state.fork", { checkpoint_id: 3 }, "invalid_argument"],
    [randomUUID(), "state.fork", { checkpoint_id: unknown }, "no_such_run"],
    [threadId, "input.inject", { namespace: [] }, "invalid_argument"],
    [threadId, "input.inject", { message: { role: "assistant", content: "x" } }, "invalid_argument"],
    [randomUUID(), "input.inject", { message: { role: "user", content: "x" } }, "no_such_run"],
  ];
  for (const [thread, method, params, error] of refusals) {
    expect(await command(thread, method, params), `${method} ${JSON.stringify(params)}`).toMatchObject({
      type: "error",
      error,
    });
  }
});

test("A fork goes on from its checkpoint with another input, as a branch of the thread", async () => {
  const threadId = await runToEnd(says("first"));
  const before = (await command(threadId, "state.listCheckpoints", { limit: 1 })).result.checkpoints[0];
  await runToEnd(says("second"), threadId);
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle", "values"] });
  const forked = await command(threadId, "state.fork", { checkpoint_id: before.id, input: says("other").input });
  expect(forked.result).toEqual({ run_id: expect.any(String), thread_id: threadId });
  await reader.untilEnds(3);
  const { values } = (await command(threadId, "state.get", { namespace: [] })).result;
  const texts = values.messages.map(({ content }: { content: unknown }) => JSON.stringify(content));
  expect(texts.join(" ")).toMatch(/first.*other/);
  expect(texts.join(" ")).not.toContain("second");
});

test("The official client's input.inject, state.listCheckpoints and state.fork work as its types say", async () => {
  const threadId = await runToEnd(says("hello"));
  const client = new Client({ apiUrl: server.url, apiKey: null });
  const thread = client.threads.stream(threadId, { assistantId: "talk" });
  await thread.input.inject({ namespace: [], message: { role: "user", content: "by the way", name: "ada" } });
  const { values } = (await thread.state.get({ namespace: [] })) as { values: { messages: object[] } };
  expect(values.messages.at(-1)).toMatchObject({ type: "human", content: "by the way", name: "ada" });
  const { checkpoints } = await thread.state.listCheckpoints({ limit: 5 });
  expect(checkpoints[0]!.metadata).toMatchObject({ source: "update" });
  const fork = await thread.state.fork({ checkpoint_id: checkpoints.at(-1)!.id });
  expect(fork.thread_id).toBe(threadId);
  await client.runs.join(threadId, fork.run_id);
  await thread.close();
});

test("A message is not put into a thread that waits for an answer or is at work", async () => {
  const message = { role: "user", content: "x" };
  const waiting = await runToEnd({ assistant_id: "ask", input: { answers: [] } });
  expect(await command(waiting, "input.inject", { message })).toMatchObject({ error: "invalid_argument" });
  const busy = randomUUID();
  await using reader = await TapeReader.open(server.url, busy, { channels: ["lifecycle"] });
  await command(busy, "run.start", { ...says("a b c d"), config: { configurable: { token_ms: 200 } } });
  await reader.until(({ length }) => length > 0);
  expect(await command(busy, "input.inject", { message })).toMatchObject({ error: "invalid_argument" });
  await reader.untilEnds();
  expect(await command(busy, "input.inject", { message })).toMatchObject({ type: "success", result: {} });
});
