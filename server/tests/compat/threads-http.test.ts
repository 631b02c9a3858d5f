// What the clients hide of threads: headers, times to live, selected and extracted fields, minimal answers.
import { expect, it } from "vitest";
import { send, UNKNOWN_ID } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask"] });

async function makeThread(body: object = {}): Promise<string> {
  return (await send("POST", `${server.url}/threads`, body)).json.thread_id;
}

async function talk(threadId: string, text: string): Promise<void> {
  await send("POST", `${server.url}/threads/${threadId}/runs/wait`, { assistant_id: "agent", input: human(text) });
}

it("a search tells the true total and the next offset", async () => {
  const metadata = { paged: crypto.randomUUID() };
  for (let count = 0; count < 3; count++) await makeThread({ metadata });
  const page = (body: object) => send("POST", `${server.url}/threads/search`, { metadata, ...body });
  const first = await page({ limit: 2 });
  expect([first.headers.get("x-pagination-total"), first.headers.get("x-pagination-next")]).toEqual(["3", "2"]);
  const last = await page({ limit: 2, offset: 2 });
  expect([last.headers.get("x-pagination-total"), last.headers.get("x-pagination-next")]).toEqual(["3", null]);
});

it.each([
  [30, "delete"],
  [{ ttl: 30, strategy: "keep_latest" }, "keep_latest"],
])("a time to live %j is told only where asked for", async (ttl, strategy) => {
  const id = await makeThread({ ttl });
  expect((await send("GET", `${server.url}/threads/${id}`)).json).not.toHaveProperty("ttl");
  const { json } = await send("GET", `${server.url}/threads/${id}?include=ttl`);
  expect(json.ttl).toEqual({ strategy, ttl: 30, expires_at: expect.stringMatching(/^\d{4}-/) });
  const minutes = (Date.parse(json.ttl.expires_at) - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(29);
  expect(minutes).toBeLessThan(31);
  await send("PATCH", `${server.url}/threads/${id}`, { ttl: 60 });
  expect((await send("GET", `${server.url}/threads/${id}?include=ttl`)).json.ttl.ttl).toBe(60);
});

it("an update answers 204 where minimal is preferred", async () => {
  const id = await makeThread();
  const answer = await send(
    "PATCH",
    `${server.url}/threads/${id}`,
    { metadata: { a: 1 } },
    { prefer: "return=minimal" },
  );
  expect([answer.status, answer.text]).toEqual([204, ""]);
  expect((await send("GET", `${server.url}/threads/${id}`)).json.metadata).toEqual({ a: 1 });
});

it("a search extracts what its paths name", async () => {
  const metadata = { mark: crypto.randomUUID() };
  const id = await makeThread({ metadata });
  await talk(id, "hi");
  const { json } = await send("POST", `${server.url}/threads/search`, {
    metadata,
    select: ["thread_id"],
    extract: {
      last: "values.messages[-1].content",
      first: "values.messages[0].type",
      mark: "metadata.mark",
      no: "values.x.y",
    },
  });
  expect(json).toEqual([
    { thread_id: id, extracted: { last: "You said: hi", first: "human", mark: metadata.mark, no: null } },
  ]);
});

it("state and history are answered with the selected fields, values by key too", async () => {
  const id = await makeThread();
  await talk(id, "hi");
  const state = await send("GET", `${server.url}/threads/${id}/state?select=next&select=values.messages`);
  expect(Object.keys(state.json).sort()).toEqual(["next", "values"]);
  expect(Object.keys(state.json.values)).toEqual(["messages"]);
  const history = await send("POST", `${server.url}/threads/${id}/history`, { limit: 1, select: ["next"] });
  expect(history.json).toEqual([{ next: [] }]);
});

it("history is also a GET, limited and cut off by the query", async () => {
  const id = await makeThread();
  await talk(id, "hi");
  const all = (await send("GET", `${server.url}/threads/${id}/history`)).json;
  expect(all).toHaveLength(3);
  expect((await send("GET", `${server.url}/threads/${id}/history?limit=1`)).json).toEqual(all.slice(0, 1));
  const before = all[0].checkpoint.checkpoint_id;
  expect((await send("GET", `${server.url}/threads/${id}/history?before=${before}`)).json).toEqual(all.slice(1));
  const posted = await send("POST", `${server.url}/threads/${id}/history`, { before, limit: 10 });
  expect(posted.json).toEqual(all.slice(1));
});

it("a state at a checkpoint that does not exist is no server error", async () => {
  const id = await makeThread();
  await talk(id, "hi");
  for (const checkpoint of [UNKNOWN_ID, "nonsense"]) {
    const answer = await send("GET", `${server.url}/threads/${id}/state/${checkpoint}`);
    expect(answer.status).toBeLessThan(500);
  }
});

it("messages are flat on the wire, ids of the client's kept", async () => {
  const id = await makeThread();
  const input = { messages: [{ type: "human", content: "hi \u2028 there", id: "mine", additional_kwargs: { a: 1 } }] };
  await send("POST", `${server.url}/threads/${id}/runs/wait`, { assistant_id: "agent", input });
  const { messages } = (await send("GET", `${server.url}/threads/${id}/state`)).json.values;
  expect(messages[0]).toMatchObject({
    type: "human",
    content: "hi \u2028 there",
    id: "mine",
    additional_kwargs: { a: 1 },
  });
  expect(messages[0]).not.toHaveProperty("lc");
  expect(messages[1]).toMatchObject({ type: "ai", tool_calls: [] });
});

it("an interrupted thread lists its interrupts by task", async () => {
  const id = await makeThread();
  await send("POST", `${server.url}/threads/${id}/runs/wait`, { assistant_id: "ask", input: { answers: [] } });
  const thread = (await send("GET", `${server.url}/threads/${id}`)).json;
  expect(thread.status).toBe("interrupted");
  expect(thread.values).toEqual({ answers: ["before"] });
  const [[taskId, interrupts]] = Object.entries(thread.interrupts) as [string, unknown][] as [[string, unknown]];
  expect(interrupts).toEqual([{ id: expect.any(String), value: { question: "name?" } }]);
  const state = (await send("GET", `${server.url}/threads/${id}/state`)).json;
  expect(state.tasks).toEqual([
    expect.objectContaining({ id: taskId, name: "ask", interrupts, error: null, state: null, result: null }),
  ]);
});

it("subgraph ids in a path are decoded", async () => {
  const plain = await send("GET", `${server.url}/assistants/agent/subgraphs/a%7Cb`);
  expect([plain.status, plain.json]).toEqual([200, {}]);
});
