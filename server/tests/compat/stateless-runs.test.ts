// Runs without a thread of the client's, through both lines of the official client.
import { expect, it } from "vitest";
import { send } from "../harness/plain-http.ts";
import { collect, namesOf } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "failing", "ask", "steps"] });
const stateless = sdkTests(server, "a stateless run");

stateless("is awaited and leaves no thread behind", async ({ client }) => {
  let created: { run_id: string; thread_id?: string } | undefined;
  const before = await client.threads.count();
  const values = await client.runs.wait(null, "agent", {
    input: human("hi"),
    onRunCreated: (run) => {
      created = run;
    },
  });
  expect(textsOf({ values } as never)).toEqual(["hi", "You said: hi"]);
  expect(created).toEqual({ run_id: expect.any(String), thread_id: undefined });
  await expect.poll(() => client.threads.count()).toBe(before);
});

stateless("is streamed like any other", async ({ client }) => {
  const items = await collect(
    client.runs.stream(null, "agent", { input: human("hi"), streamMode: ["values", "messages-tuple"] }),
  );
  expect(items[0]!.event).toBe("metadata");
  expect(new Set(namesOf(items))).toEqual(new Set(["metadata", "values", "messages"]));
  expect(items.filter(({ event }) => event === "values").at(-1)!.data.messages).toHaveLength(2);
});

stateless("in the background can have its stream joined", async ({ client }) => {
  const run = await client.runs.create(null, "steps", {
    input: {},
    config: { configurable: { steps: 3, step_ms: 50 } },
    streamMode: "custom",
    onCompletion: "keep",
  } as never);
  const items = await collect(client.runs.joinStream(null, run.run_id, { lastEventId: "-1" }));
  expect(items.filter(({ event }) => event === "custom").map(({ data }) => data)).toEqual([
    { begun: 1 },
    { begun: 2 },
    { begun: 3 },
  ]);
});

stateless("that fails says so", async ({ client }) => {
  await expect(client.runs.wait(null, "failing", { input: {} })).rejects.toThrow("PaymentError: card refused");
});

stateless("cannot stop for a human: nothing of it would be left to resume", async ({ client }) => {
  const run = client.runs.wait(null, "ask", { input: { answers: [] } });
  await expect(run).rejects.toThrow("No checkpointer set");
});

it("a thread is kept where on_completion says so, and its run can be resumed", async () => {
  const body = { assistant_id: "ask", input: { answers: [] }, on_completion: "keep" };
  const { json: run } = await send("POST", `${server.url}/runs`, body);
  await expect
    .poll(async () => (await send("GET", `${server.url}/threads/${run.thread_id}`)).json.status)
    .toBe("interrupted");
  const resumed = await send("POST", `${server.url}/threads/${run.thread_id}/runs/wait`, {
    assistant_id: "ask",
    command: { resume: "yes" },
  });
  expect(resumed.json).toEqual({ answers: ["before", 'asked: "yes"', "after"] });
});

it("a thread that is not kept cannot be seen", async () => {
  const { json: run } = await send("POST", `${server.url}/runs`, { assistant_id: "agent", input: human("hi") });
  await expect
    .poll(async () => (await send("GET", `${server.url}/threads/${run.thread_id}`)).status, { timeout: 10_000 })
    .toBe(404);
});

it("fields of thread runs and unknown ones are ignored", async () => {
  const body = { assistant_id: "agent", input: human("hi"), multitask_strategy: "reject", no_such_field: 1 };
  expect((await send("POST", `${server.url}/runs/wait`, body)).status).toBe(200);
});

it("a batch needs at least one run, and each an assistant", async () => {
  for (const body of [[], [{ input: {} }], {}]) {
    expect((await send("POST", `${server.url}/runs/batch`, body)).status).toBe(422);
  }
  const unknown = await send("POST", `${server.url}/runs/batch`, [{ assistant_id: "nope", input: {} }]);
  expect(unknown.status).toBe(404);
});
