// The events of a run's stream, mode by mode, through both lines of the official client.
import { expect } from "vitest";
import { collect, namesOf, type SdkClient, type StreamItem } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "wrapped", "quiet", "nested", "writer", "failing", "ask", "created"] });
const stream = sdkTests(server, "a stream");

async function streamOf(client: SdkClient, graphId: string, options: object): Promise<StreamItem[]> {
  const { thread_id } = await client.threads.create();
  return collect(client.runs.stream(thread_id, graphId, options as never));
}

const dataOf = (items: StreamItem[], name: string) =>
  items.filter(({ event }) => event === name).map(({ data }) => data);

stream("of values begins with the run and ends with its last state, without an end event", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const items = await collect(client.runs.stream(thread_id, "agent", { input: human("hi") }));
  expect(namesOf(items)).toEqual(["metadata", "values", "values"]);
  const [run] = await client.runs.list(thread_id);
  expect(items[0]!.data).toEqual({ run_id: run!.run_id, attempt: 1 });
  expect(items[1]!.data.messages).toHaveLength(1);
  expect(items[2]!.data).toEqual((await client.threads.getState(thread_id)).values);
  expect(run!.status).toBe("success");
});

stream("of updates tells each node's writes", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("look up it"), streamMode: "updates" });
  expect(namesOf(items)).toEqual(["metadata", "updates", "updates", "updates"]);
  expect(items.slice(1).map(({ data }) => Object.keys(data))).toEqual([["agent"], ["tool"], ["agent"]]);
  expect(items[2]!.data.tool.messages[0]).toMatchObject({ type: "tool", tool_call_id: "call-1", content: "found it" });
});

stream("of message tuples tells each token with its metadata, under the final message's id", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const options = { input: human("a b"), streamMode: ["messages-tuple", "values"] as ["messages-tuple", "values"] };
  const items = await collect(client.runs.stream(thread_id, "agent", options));
  const tuples = dataOf(items, "messages");
  expect(tuples.map(([chunk]) => chunk.content).join("")).toBe("You said: a b");
  expect(tuples.length).toBeGreaterThan(2);
  const final = dataOf(items, "values").at(-1).messages[1];
  expect(new Set(tuples.map(([chunk]) => chunk.id))).toEqual(new Set([final.id]));
  const [chunk, metadata] = tuples[0];
  expect(chunk).toMatchObject({ type: expect.stringMatching(/^ai|AIMessageChunk$/) });
  expect(chunk).not.toHaveProperty("lc");
  expect(metadata).toMatchObject({ langgraph_node: "agent", thread_id, graph_id: "agent" });
});

stream("of messages tells metadata once, then the growing message, then whole messages", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("a b"), streamMode: "messages" });
  const names = namesOf(items);
  expect(new Set(names)).toEqual(new Set(["metadata", "messages/metadata", "messages/partial", "messages/complete"]));
  const partials = dataOf(items, "messages/partial").map(([message]) => message);
  expect(partials.at(-1)).toMatchObject({ type: "ai", content: "You said: a b" });
  for (const [index, partial] of partials.slice(1).entries()) {
    expect(partial.content.startsWith(partials[index].content)).toBe(true);
  }
  const metadata = dataOf(items, "messages/metadata");
  expect(metadata).toHaveLength(1);
  expect(metadata[0][partials[0].id].metadata).toMatchObject({ langgraph_node: "agent" });
  expect(names.indexOf("messages/metadata")).toBeLessThan(names.indexOf("messages/partial"));
  const whole = dataOf(items, "messages/complete").flat();
  expect(whole.filter(({ type }) => type === "human")).toMatchObject([{ content: "a b" }]);
});

stream("of custom events tells what nodes write, on one line whatever it is", async ({ client }) => {
  const items = await streamOf(client, "writer", { input: {}, streamMode: "custom" });
  expect(items.slice(1)).toMatchObject([
    { event: "custom", data: { progress: 50 } },
    { event: "custom", data: "line one\nline two\u2028three" },
  ]);
});

stream("of tools tells how tool calls begin and end", async ({ client }) => {
  const items = await streamOf(client, "writer", { input: {}, streamMode: "tools" });
  const tools = dataOf(items, "tools");
  expect(tools.map(({ event }) => event)).toEqual(["on_tool_start", "on_tool_end"]);
  expect(tools[0]).toMatchObject({ toolCallId: "call-1", name: "add" });
});

stream("of tasks tells each task's start and result", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), streamMode: "tasks" });
  expect(namesOf(items)).toEqual(["metadata", "tasks", "tasks"]);
  expect(items[1]!.data).toMatchObject({ id: expect.any(String), name: "agent", triggers: expect.any(Array) });
  expect(items[2]!.data).toMatchObject({ id: items[1]!.data.id, name: "agent", interrupts: [] });
  expect(items[2]!.data).toHaveProperty("result");
});

stream("of checkpoints tells values, metadata and what is next", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), streamMode: "checkpoints" });
  const checkpoints = dataOf(items, "checkpoints");
  expect(checkpoints.map(({ metadata }) => metadata.step)).toEqual([-1, 0, 1]);
  expect(checkpoints.map(({ next }) => next)).toEqual([["__start__"], ["agent"], []]);
  expect(checkpoints.at(-1).values.messages).toHaveLength(2);
});

stream("of debug events tells checkpoints, tasks and results", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), streamMode: "debug" });
  const debug = dataOf(items, "debug");
  expect(debug.map(({ type }) => type)).toEqual(["checkpoint", "checkpoint", "task", "task_result", "checkpoint"]);
  const last = debug.at(-1);
  expect(last).toMatchObject({ step: 1, timestamp: expect.any(String), payload: { next: [], metadata: { step: 1 } } });
  expect(last.payload).toHaveProperty("parent_config");
  const configurables = debug.flatMap(({ payload }) => Object.keys(payload.config?.configurable ?? {}));
  expect(configurables).toContain("checkpoint_id");
  expect(configurables.filter((key) => key.startsWith("__"))).toEqual([]);
});

stream("of LangChain events tells runnables and tokens", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), streamMode: "events" });
  const events = dataOf(items, "events");
  const names = new Set(events.map(({ event }) => event));
  for (const name of ["on_chain_start", "on_chain_end", "on_chat_model_start", "on_chat_model_stream"]) {
    expect(names).toContain(name);
  }
  expect(events.every(({ run_id, metadata }) => typeof run_id === "string" && typeof metadata === "object")).toBe(true);
});

stream("of several modes tells all of them, in order", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), streamMode: ["updates", "values", "tasks"] });
  const names = namesOf(items);
  expect(new Set(names)).toEqual(new Set(["metadata", "updates", "values", "tasks"]));
  expect(names.filter((name) => name === "values")).toHaveLength(2);
  expect(names.at(-1)).toBe("values");
});

stream("of subgraphs names their events by namespace, and only where asked", async ({ client }) => {
  const options = { input: { trail: [] }, streamMode: ["values", "updates"] };
  const flat = namesOf(await streamOf(client, "nested", options));
  expect(flat.every((name) => !name.includes("|"))).toBe(true);
  const names = namesOf(await streamOf(client, "nested", { ...options, streamSubgraphs: true }));
  expect(names.some((name) => /^updates\|gp_two:[\w-]+$/.test(name))).toBe(true);
  expect(names.some((name) => /^values\|gp_two:[\w-]+\|p_two:[\w-]+$/.test(name))).toBe(true);
  expect(names.some((name) => name.startsWith("checkpoints"))).toBe(false);
});

stream("of a failing run ends with an error event", async ({ client }) => {
  const items = await streamOf(client, "failing", { input: {}, streamMode: "values" });
  expect(namesOf(items)).toEqual(["metadata", "values", "error"]);
  expect(items.at(-1)!.data).toEqual({ error: "PaymentError", message: "card refused" });
});

stream("of an interrupted run tells the interrupt, in updates and values", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const options = { input: { answers: [] }, streamMode: ["updates", "values"] as ["updates", "values"] };
  const items = await collect(client.runs.stream(thread_id, "ask", options));
  const question = [{ id: expect.any(String), value: { question: "name?" } }];
  expect(dataOf(items, "updates").at(-1)).toEqual({ __interrupt__: question });
  expect(dataOf(items, "values").at(-1)).toEqual({ __interrupt__: question });
  expect((await client.threads.get(thread_id)).values).toEqual({ answers: ["before"] });
});

stream("of an agent made by createAgent has tool calls, their results and the answer", async ({ client }) => {
  const options = { input: human("use get_time"), streamMode: ["messages-tuple", "values"] };
  const items = await streamOf(client, "created", options);
  const { messages } = dataOf(items, "values").at(-1);
  expect(messages.map(({ type }: { type: string }) => type)).toEqual(["human", "ai", "tool", "ai"]);
  expect(messages[1].tool_calls).toMatchObject([{ name: "get_time" }]);
  expect(messages[2]).toMatchObject({ content: "It is noon.", tool_call_id: messages[1].tool_calls[0].id });
  const ids = new Set(dataOf(items, "messages").map(([chunk]) => chunk.id));
  for (const message of messages.slice(1)) expect(ids).toContain(message.id);
});

stream("carries the run's and the stream's place in its headers", async ({ client, version }) => {
  const { thread_id } = await client.threads.create();
  let created: unknown;
  const items = await collect(
    client.runs.stream(thread_id, "agent", {
      input: human("hi"),
      onRunCreated: (run) => {
        created = run;
      },
    }),
  );
  expect(created).toEqual({ run_id: items[0]!.data.run_id, thread_id });
  if (version === "1.15.0") expect(items.every(({ id }) => id !== undefined)).toBe(true);
});

stream("of messages from subgraphs carries their namespace in its name and metadata", async ({ client }) => {
  const options = { input: human("deep"), streamMode: "messages-tuple", streamSubgraphs: true };
  const items = await streamOf(client, "wrapped", options);
  const inner = items.filter(({ event }) => /^messages\|inner:[\w-]+$/.test(event));
  expect(inner.map(({ data }) => data[0].content).join("")).toBe("You said: deep");
  expect(inner[0]!.data[1].langgraph_checkpoint_ns).toMatch(/^inner:/);
});

stream("leaves out tokens of models that are tagged nostream", async ({ client }) => {
  const items = await streamOf(client, "quiet", { input: human("hush"), streamMode: ["messages-tuple", "values"] });
  const tokens = dataOf(items, "messages").filter(([chunk]) => chunk.content !== "You said: hush");
  expect(tokens.filter(([chunk]) => chunk.type.startsWith("ai"))).toEqual([]);
  expect(dataOf(items, "values").at(-1).messages.at(-1).content).toBe("You said: hush");
});

stream("accepts feedback keys, with or without a service that takes feedback", async ({ client }) => {
  const items = await streamOf(client, "agent", { input: human("hi"), feedbackKeys: ["score"] });
  expect(namesOf(items)).not.toContain("error");
  expect(dataOf(items, "values").at(-1).messages).toHaveLength(2);
});
