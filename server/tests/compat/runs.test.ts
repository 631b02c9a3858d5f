// Runs on threads through both lines of the official client: creating, awaiting, listing, joining, deleting.
import { expect } from "vitest";
import { UNKNOWN_ID } from "../harness/plain-http.ts";
import { untilRun } from "../harness/run-status.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "settings", "failing", "endless", "loose", "steps", "ask"] });
const runs = sdkTests(server, "a run");

runs("in the background is pending, then done, and can be joined at any time", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi"), metadata: { tag: "x" } });
  expect(run).toMatchObject({ thread_id, assistant_id: "fe096781-5601-53d2-b2f6-0d3403f7e9ca" });
  expect(run.metadata).toMatchObject({ tag: "x", graph_id: "agent" });
  expect(run.multitask_strategy).toBe("enqueue");
  expect(run).toMatchObject({ kwargs: { input: human("hi"), stream_mode: ["values"] } });
  const joined = await client.runs.join(thread_id, run.run_id);
  expect(textsOf({ values: joined } as never)).toEqual(["hi", "You said: hi"]);
  expect(await client.runs.get(thread_id, run.run_id)).toMatchObject({ status: "success" });
  expect(await client.runs.join(thread_id, run.run_id)).toEqual(joined);
  expect((await client.threads.get(thread_id)).status).toBe("idle");
});

runs("that is awaited answers with the final values, and names itself", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  let created: { run_id: string; thread_id?: string } | undefined;
  const values = await client.runs.wait(thread_id, "agent", {
    input: human("hi"),
    onRunCreated: (run) => {
      created = run;
    },
  });
  expect(textsOf({ values } as never)).toEqual(["hi", "You said: hi"]);
  const [run] = await client.runs.list(thread_id);
  expect(created).toEqual({ run_id: run!.run_id, thread_id });
  const state = await client.threads.getState(thread_id);
  expect(values).toEqual(state.values);
});

runs("goes on in the conversation of its thread", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  for (const text of ["one", "look up two", "three"]) {
    await client.runs.wait(thread_id, "agent", { input: human(text) });
  }
  expect(textsOf(await client.threads.getState(thread_id))).toEqual([
    "one",
    "You said: one",
    "look up two",
    "",
    "found two",
    "You said: found two",
    "three",
    "You said: three",
  ]);
});

runs("that fails answers 200 with its error, which the client throws", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await expect(client.runs.wait(thread_id, "failing", { input: {} })).rejects.toThrow("PaymentError: card refused");
  const answer = await client.runs.wait(thread_id, "failing", { input: {}, raiseError: false });
  expect(answer).toEqual({ __error__: { error: "PaymentError", message: "card refused" } });
  const [run] = await client.runs.list(thread_id);
  expect(run!.status).toBe("error");
  const thread = await client.threads.get(thread_id);
  expect(thread).toMatchObject({ status: "error", error: { error: "PaymentError", message: "card refused" } });
  expect(thread.values).toEqual({ count: 1 });
  expect(await client.runs.join(thread_id, run!.run_id)).toEqual(answer);
});

runs("ends with an error at its recursion limit", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const limited = client.runs.wait(thread_id, "endless", { input: {}, config: { recursion_limit: 5 } });
  await expect(limited).rejects.toThrow(/GraphRecursionError/);
  expect((await client.threads.getState<{ count: number }>(thread_id)).values.count).toBe(5);
});

runs("recovers the thread that failed before it", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "failing", { input: {}, raiseError: false });
  await client.runs.wait(thread_id, "agent", { input: human("hi") });
  expect(await client.threads.get(thread_id)).toMatchObject({ status: "idle" });
  expect(await client.threads.get(thread_id)).not.toHaveProperty("error");
});

runs("is listed, newest first, by status, in pages", async ({ client, version }) => {
  const { thread_id } = await client.threads.create();
  const ids: string[] = [];
  for (const text of ["one", "two"]) {
    const run = await client.runs.create(thread_id, "agent", { input: human(text) });
    await client.runs.join(thread_id, run.run_id);
    ids.push(run.run_id);
  }
  const waiting = await client.runs.create(thread_id, "agent", { input: human("x"), afterSeconds: 600 });
  ids.push(waiting.run_id);
  const list = async (options: object) => (await client.runs.list(thread_id, options)).map((run) => run.run_id);
  expect(await list({})).toEqual([...ids].reverse());
  expect(await list({ limit: 1, offset: 1 })).toEqual([ids[1]]);
  expect(await list({ status: "pending" })).toEqual([ids[2]]);
  expect(await list({ status: "success" })).toEqual([ids[1], ids[0]]);
  if (version === "1.15.0") {
    const selected = await client.runs.list(thread_id, { select: ["run_id", "status"], limit: 1 });
    expect(selected).toEqual([{ run_id: waiting.run_id, status: "pending" }]);
  }
  await client.runs.cancel(thread_id, waiting.run_id);
});

runs("is deleted with the checkpoints that it wrote", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("one") });
  const before = await client.threads.getHistory(thread_id);
  await client.runs.wait(thread_id, "agent", { input: human("two") });
  const [run] = await client.runs.list(thread_id);
  await client.runs.delete(thread_id, run!.run_id);
  await expect(client.runs.get(thread_id, run!.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  await expect(client.runs.delete(thread_id, run!.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  expect(await client.threads.getHistory(thread_id)).toEqual(before);
  expect((await client.threads.get(thread_id)).values).toEqual(before[0]!.values);
});

runs("on a thread that does not exist is refused, or creates it where asked", async ({ client }) => {
  const threadId = crypto.randomUUID();
  const refused = client.runs.wait(threadId, "agent", { input: human("hi") });
  await expect(refused).rejects.toThrow(new RegExp(`HTTP 404.*Thread with ID ${threadId} not found`));
  await client.runs.wait(threadId, "agent", { input: human("hi"), ifNotExists: "create", metadata: { m: 1 } });
  const thread = await client.threads.get(threadId);
  expect(thread).toMatchObject({ status: "idle", metadata: { graph_id: "agent", m: 1 } });
  expect(textsOf(await client.threads.getState(threadId))).toHaveLength(2);
});

runs("with a delay stays pending and its thread busy until it is due", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const begun = Date.now();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi"), afterSeconds: 0.4 });
  expect(run.status).toBe("pending");
  expect((await client.threads.get(thread_id)).status).toBe("busy");
  await client.runs.join(thread_id, run.run_id);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(395);
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("success");
});

runs("takes configuration from assistant, thread and run, the nearer one first", async ({ client }) => {
  const { assistant_id } = await client.assistants.create({
    graphId: "settings",
    config: { configurable: { a: "assistant", b: "assistant", c: "assistant" } },
    metadata: { from: "assistant", level: "assistant" },
  });
  const { thread_id } = await client.threads.create({ metadata: { level: "thread" } });
  const ask = async (config?: object, more: object = {}) => {
    const answer = await client.runs.wait(thread_id, assistant_id, { input: {}, config, ...more } as never);
    return (answer as { seen: Record<string, Record<string, unknown>> }).seen;
  };
  const first = await ask({ configurable: { b: "run", c: "run" }, tags: ["mine"] }, { metadata: { level: "run" } });
  expect(first.configurable).toMatchObject({ a: "assistant", b: "run", c: "run", graph_id: "settings", assistant_id });
  expect(first.configurable!.thread_id).toBe(thread_id);
  expect(first.metadata).toMatchObject({ from: "assistant", level: "run" });
  expect(first.tags).toContain("mine");
  const second = await ask({ configurable: { c: "later" } });
  expect(second.configurable).toMatchObject({ a: "assistant", b: "run", c: "later" });
  expect(second.metadata).toMatchObject({ from: "assistant", level: "thread" });
  expect(second.configurable!.run_id).not.toBe(first.configurable!.run_id);
});

runs("leaves no checkpoint or run ids in its thread's configuration", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const sticky = { user_id: "u", checkpoint_map: { "": "x" }, run_id: UNKNOWN_ID, __secret: 1, langgraph_auth_user: 1 };
  await client.runs.wait(thread_id, "settings", { input: {}, config: { configurable: sticky } as never });
  const { config } = await client.threads.get(thread_id);
  expect(config).toEqual({ configurable: { user_id: "u" } });
});

runs("gets its context over that of its assistant", async ({ client }) => {
  const { assistant_id } = await client.assistants.create({
    graphId: "settings",
    context: { tone: "dry", user: "nobody" },
  });
  const answer = await client.runs.wait(null, assistant_id, { input: {}, context: { user: "ann" } });
  expect(answer).toMatchObject({ seen: { context: { tone: "dry", user: "ann" } } });
});

runs("keeps any JSON of its input as it is", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const value = { text: 'a "b" \\ \n \u2028 \u{1f600} é', list: [1, -0.5, 1e21, null, true], deep: { "": {} } };
  expect(await client.runs.wait(thread_id, "loose", { input: { value } })).toEqual({ value });
  expect((await client.threads.getState(thread_id)).values).toEqual({ value });
});

runs("in a batch starts with the others, each on its own thread", async ({ client }) => {
  const batch = await client.runs.createBatch([
    { assistantId: "loose", input: { value: 1 } },
    { assistantId: "loose", input: { value: 2 } },
  ]);
  expect(batch).toHaveLength(2);
  expect(new Set(batch.map(({ thread_id }) => thread_id)).size).toBe(2);
  expect(batch.map(({ run_id }) => run_id)).toEqual([expect.any(String), expect.any(String)]);
});

runs("writes checkpoints as its durability says", async ({ client, version }) => {
  const counts: number[] = [];
  for (const durability of ["sync", "async", "exit"] as const) {
    const { thread_id } = await client.threads.create();
    // The old line knows only the flag that came before.
    const options = version === "2.0.0" ? { checkpointDuring: durability !== "exit" } : { durability };
    await client.runs.wait(thread_id, "agent", { input: human("hi"), ...options });
    counts.push((await client.threads.getHistory(thread_id)).length);
    expect(textsOf(await client.threads.getState(thread_id))).toHaveLength(2);
  }
  expect(counts).toEqual([3, 3, 1]);
});

runs("is awaited while others wait for it too", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", { input: {}, config: { configurable: { step_ms: 100 } } });
  await untilRun(client, run, "running");
  const answers = await Promise.all([1, 2, 3].map(() => client.runs.join(thread_id, run.run_id)));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(answers[0]).toMatchObject({ done: 3 });
});
