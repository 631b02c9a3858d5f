// The commands of the event protocol: interrupts answered by id, state, the tree of graphs, and what is refused how.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { rootEnds, sendCommand, summary, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["ask", "ask_many", "ask_nested", "nested", "talk"] });
const command = (threadId: string, method: string, params?: unknown) =>
  sendCommand(server.url, threadId, method, params);

async function stopAtInterrupts(assistantId: string, count = 1) {
  const threadId = randomUUID();
  const reader = await TapeReader.open(server.url, threadId, {
    channels: ["lifecycle", "input", "values", "tasks", "updates"],
  });
  await command(threadId, "run.start", { assistant_id: assistantId, input: { answers: [] } });
  const frames = await reader.untilEnds();
  const asked = frames.filter(({ method }) => method === "input.requested");
  expect(asked).toHaveLength(count);
  return { threadId, reader, asked: asked.map(({ params }) => params) };
}

test("An interrupt is asked for once, the root ends interrupted, and an answer by id goes on in one run", async () => {
  const { threadId, reader, asked } = await stopAtInterrupts("ask");
  await using _ = reader;
  expect(asked[0]).toMatchObject({ namespace: [], data: { payload: { question: "name?" } } });
  const shown = summary(reader.frames);
  expect(shown.indexOf("input.requested")).toBeGreaterThan(shown.lastIndexOf("tasks") - 2);
  expect(rootEnds(reader.frames)[0]!.params.data.event).toBe("interrupted");
  expect(JSON.stringify(reader.frames.filter(({ method }) => method === "values"))).not.toContain("__interrupt__");
  const answer = { namespace: [], interrupt_id: asked[0]!.data.interrupt_id, response: "Ada" };
  const answered = await command(threadId, "input.respond", answer);
  expect(answered).toMatchObject({ type: "success", result: { run_id: expect.any(String) } });
  const frames = await reader.untilEnds(2);
  const values = frames.filter(({ method }) => method === "values").at(-1)!;
  expect(values.params.data.answers).toEqual(["before", 'asked: "Ada"', "after"]);
  expect(rootEnds(frames)[1]!.params.data.event).toBe("completed");
  const told = frames.filter(({ method }) => method === "input.answered");
  expect(told.map(({ params }) => params.data)).toEqual([{ interrupt_ids: [asked[0]!.data.interrupt_id] }]);
});

test("Several interrupts are answered in one batch", async () => {
  const { threadId, reader, asked } = await stopAtInterrupts("ask_many", 2);
  await using _ = reader;
  const responses = asked.map(({ data }) => ({
    namespace: [],
    interrupt_id: data.interrupt_id,
    response: `to ${data.payload}`,
  }));
  expect((await command(threadId, "input.respond", { responses })).type).toBe("success");
  const values = (await reader.untilEnds(2)).filter(({ method }) => method === "values").at(-1)!;
  expect(values.params.data.answers.sort()).toEqual(["left: to left?", "right: to right?"]);
});

test("An interrupt inside of a subgraph is answered by its id", async () => {
  const { threadId, reader, asked } = await stopAtInterrupts("ask_nested");
  await using _ = reader;
  const response = { namespace: asked[0]!.namespace, interrupt_id: asked[0]!.data.interrupt_id, response: "down here" };
  await command(threadId, "input.respond", response);
  const values = (await reader.untilEnds(2)).filter(({ method, params }) => {
    return method === "values" && params.namespace.length === 0;
  });
  expect(values.at(-1)!.params.data.answers).toContain("deep: down here");
});

test("A wrong id, an id answered already and a thread without a question are no_such_interrupt", async () => {
  const { threadId, reader, asked } = await stopAtInterrupts("ask");
  await using _ = reader;
  const right = { namespace: [], interrupt_id: asked[0]!.data.interrupt_id, response: "Ada" };
  const wrong = { ...right, interrupt_id: "0000" };
  expect(await command(threadId, "input.respond", wrong)).toMatchObject({ type: "error", error: "no_such_interrupt" });
  expect(await command(threadId, "input.respond", { responses: [right, wrong] })).toMatchObject({
    error: "no_such_interrupt",
  });
  expect(await command(threadId, "input.respond", { response: 1 })).toMatchObject({ error: "invalid_argument" });
  await command(threadId, "input.respond", right);
  await reader.untilEnds(2);
  expect(await command(threadId, "input.respond", right)).toMatchObject({ error: "no_such_interrupt" });
  expect(await command(randomUUID(), "input.respond", right)).toMatchObject({ error: "no_such_run" });
  expect(rootEnds(reader.frames)).toHaveLength(2);
});

test("run.start with an input answers a waiting thread; after a mere cancel it is an input", async () => {
  const { threadId, reader } = await stopAtInterrupts("ask");
  await using _ = reader;
  await command(threadId, "run.start", { assistant_id: "ask", input: "Grace" });
  const values = (await reader.untilEnds(2)).filter(({ method }) => method === "values").at(-1)!;
  expect(values.params.data.answers).toContain('asked: "Grace"');
  const cancelled = randomUUID();
  await using other = await TapeReader.open(server.url, cancelled, { channels: ["lifecycle", "messages", "values"] });
  const says = (content: string) => ({ messages: [{ type: "human", content }] });
  const config = { configurable: { token_ms: 300 } };
  const run = await command(cancelled, "run.start", { assistant_id: "talk", input: says("a b c d"), config });
  await other.until((frames) => frames.some(({ method }) => method === "messages"));
  await send("POST", `${server.url}/threads/${cancelled}/runs/${run.result.run_id}/cancel?wait=1`);
  await command(cancelled, "run.start", {
    assistant_id: "talk",
    input: says("again"),
    config: { configurable: { token_ms: 0 } },
  });
  const frames = await other.untilEnds(2);
  const last = frames.filter(({ method }) => method === "values").at(-1)!.params.data.messages;
  expect(JSON.stringify(last.at(-1))).toContain("You said: again");
});

test("A fork starts at the checkpoint its configuration names", async () => {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, {
    channels: ["checkpoints", "values", "lifecycle"],
    namespaces: [[]],
    depth: 0,
  });
  await command(threadId, "run.start", { assistant_id: "nested", input: { trail: ["x"] } });
  const frames = await reader.untilEnds();
  const first = frames.find(({ method }) => method === "checkpoints")!.params.data;
  const config = { configurable: { checkpoint_id: first.id } };
  await command(threadId, "run.start", { assistant_id: "nested", input: null, config });
  const again = (await reader.untilEnds(2)).slice(frames.length);
  const trailOf = (run: typeof frames) => run.filter(({ method }) => method === "values").at(-1)!.params.data.trail;
  expect(trailOf(again)).toEqual(trailOf(frames));
});

test("state.get gives values and checkpoint, whole or some keys; agent.getTree the graphs of a run", async () => {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  const started = await command(threadId, "run.start", { assistant_id: "nested", input: { trail: ["x"] } });
  await reader.untilEnds();
  const state = await command(threadId, "state.get", { namespace: [] });
  expect(state.result.values.trail[0]).toBe("x");
  expect(state.result.checkpoint).toEqual({ id: expect.any(String), ns: "" });
  expect((await command(threadId, "state.get", { keys: ["none"] })).result.values).toEqual({});
  expect(await command(threadId, "state.get", { namespace: ["nowhere:1"] })).toMatchObject({
    error: "no_such_namespace",
  });
  const { tree } = (await command(threadId, "agent.getTree")).result;
  expect(tree).toMatchObject({ namespace: [], status: "completed", graph_name: "nested" });
  const names = tree.children.map((child: { graph_name: string }) => child.graph_name);
  expect(names).toContain("gp_two");
  expect(await command(threadId, "agent.getTree", { run_id: started.result.run_id })).toMatchObject({
    type: "success",
  });
  expect(await command(threadId, "agent.getTree", { run_id: randomUUID() })).toMatchObject({ error: "no_such_run" });
  expect(await command(randomUUID(), "state.get")).toMatchObject({ error: "no_such_run" });
});

test("What is no command, no known command or no assistant is refused in the protocol's words", async () => {
  const threadId = randomUUID();
  const url = `${server.url}/threads/${threadId}/commands`;
  for (const body of [[], {}, { id: -3, method: "run.start" }, { id: 1 }, { id: 1, method: "run.start", params: 3 }]) {
    const { status, json } = await send("POST", url, body);
    expect([status, typeof json.detail]).toEqual([400, "string"]);
  }
  const refusals: [string, unknown, string][] = [
    ["no.such", {}, "unknown_command"],
    ["constructor", {}, "unknown_command"],
    ["subscription.subscribe", { channels: ["values"] }, "not_supported"],
    ["state.fork", {}, "invalid_argument"],
    ["subscription.reconnect", {}, "not_supported"],
    ["run.start", { input: {} }, "invalid_argument"],
    ["run.start", { assistant_id: "nobody", input: {} }, "invalid_argument"],
    ["run.start", { assistant_id: "talk", config: 3 }, "invalid_argument"],
  ];
  for (const [method, params, error] of refusals) {
    expect(await command(threadId, method, params)).toMatchObject({ type: "error", id: 1, error });
  }
  expect((await send("GET", `${server.url}/threads/${threadId}`)).status).toBe(404);
});
