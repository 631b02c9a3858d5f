// Details that clients depend on without saying so: headers, framing, order of commit and close, encodings of queries.
import { expect, it } from "vitest";
import { parseFrames, send, UNKNOWN_ID } from "../harness/plain-http.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({
  graphs: ["agent", "ask", "steps", "settings", "failing", "loose", "nested"],
  env: { HOLDFAST_STREAM_HEARTBEAT_INTERVAL_MS: "100" },
});

const post = (path: string, body?: unknown, headers?: Record<string, string>) =>
  send("POST", server.url + path, body, headers);
const newThread = async (body: object = {}): Promise<string> => (await post("/threads", body)).json.thread_id;
const chat = (text: string, more: object = {}) => ({ assistant_id: "agent", input: human(text), ...more });

it("a stream names the run and where to join it again, from the root, without a suffix", async () => {
  const id = await newThread();
  const { headers, text } = await post(`/threads/${id}/runs/stream`, chat("hi"));
  const path = `/threads/${id}/runs/${JSON.parse(parseFrames(text)[0]!.data).run_id}`;
  expect(headers.get("content-location")).toBe(path);
  expect(headers.get("location")).toBe(`${path}/stream`);
  expect(headers.get("content-type")).toMatch(/^text\/event-stream/);
  expect(headers.get("cache-control")).toContain("no-cache");
  expect(headers.get("x-accel-buffering")).toBe("no");
});

it("creating, awaiting and stateless runs name the run too", async () => {
  const id = await newThread();
  const created = await post(`/threads/${id}/runs`, chat("hi"));
  expect(created.headers.get("content-location")).toBe(`/threads/${id}/runs/${created.json.run_id}`);
  const awaited = await post(`/threads/${id}/runs/wait`, chat("hi"));
  expect(awaited.headers.get("content-location")).toMatch(new RegExp(`^/threads/${id}/runs/[\\w-]{36}$`));
  const stateless = await post("/runs/wait", chat("hi"));
  expect(stateless.headers.get("content-location")).toMatch(/^\/runs\/[\w-]{36}$/);
});

it("the status is final before the stream ends", async () => {
  const id = await newThread();
  for (let turn = 0; turn < 10; turn++) {
    const { text, headers } = await post(`/threads/${id}/runs/stream`, chat(`turn ${turn}`));
    expect(parseFrames(text).map(({ event }) => event)).not.toContain("end");
    const [run, thread] = await Promise.all([
      send("GET", server.url + headers.get("content-location")),
      send("GET", `${server.url}/threads/${id}`),
    ]);
    expect([run.json.status, thread.json.status]).toEqual(["success", "idle"]);
    expect(thread.json.values.messages).toHaveLength(2 * (turn + 1));
  }
});

it("ids of events rise, and no line of an event breaks", async () => {
  const id = await newThread();
  const value = "line\nbreak \r\n \u2028 \u0085 end";
  const body = { assistant_id: "loose", input: { value }, stream_mode: ["values", "updates", "debug"] };
  const { text } = await post(`/threads/${id}/runs/stream`, body);
  const frames = parseFrames(text);
  const ids = frames.map((frame) => Number(frame.id));
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(new Set(ids).size).toBe(ids.length);
  for (const line of text.split("\n")) expect(line).toMatch(/^(id|event|data): |^:|^$/);
  const values = frames.filter(({ event }) => event === "values").map(({ data }) => JSON.parse(data).value);
  expect(values.at(-1)).toBe(value);
});

it("an idle stream beats, and a wait sends blank lines before its one JSON value", async () => {
  const id = await newThread();
  const body = { assistant_id: "steps", input: {}, config: { configurable: { steps: 1, step_ms: 1_200 } } };
  const [stream, wait] = await Promise.all([
    post(`/threads/${id}/runs/stream`, body),
    post(`/threads/${await newThread()}/runs/wait`, body),
  ]);
  expect(stream.text.match(/^: heartbeat$/gm)?.length).toBeGreaterThanOrEqual(5);
  expect(wait.text).toMatch(/^\n+\{/);
  expect(wait.headers.get("content-length")).toBeNull();
  expect(wait.json).toMatchObject({ done: 1 });
});

it("a wait answers an object, whatever becomes of the run", async () => {
  const id = await newThread();
  const failed = await post(`/threads/${id}/runs/wait`, { assistant_id: "failing", input: {} });
  expect(failed.json).toEqual({ __error__: { error: "PaymentError", message: "card refused" } });
  const nothing = await post(`/threads/${await newThread()}/runs/wait`, { assistant_id: "loose", input: {} });
  expect(nothing.json).toEqual({});
  const cancelledThread = await newThread();
  const run = await post(`/threads/${cancelledThread}/runs`, chat("hi", { after_seconds: 600 }));
  const joined = send("GET", `${server.url}/threads/${cancelledThread}/runs/${run.json.run_id}/join`);
  await post(`/threads/${cancelledThread}/runs/${run.json.run_id}/cancel`);
  expect((await joined).json).toEqual({});
});

it.each([
  ["0", 202],
  ["false", 202],
  ["no", 202],
  ["1", 204],
  ["TRUE", 204],
  ["yes", 204],
])("cancel?wait=%s answers %i", async (wait, status) => {
  const id = await newThread();
  const run = await post(`/threads/${id}/runs`, chat("hi", { after_seconds: 600 }));
  expect((await post(`/threads/${id}/runs/${run.json.run_id}/cancel?wait=${wait}`)).status).toBe(status);
});

it.each([
  "stream_mode=updates&stream_mode=values",
  `stream_mode=${encodeURIComponent('["updates","values"]')}`,
  "stream_mode=updates,values",
  `stream_mode=${encodeURIComponent('["updates"]')}`,
  "stream_mode=updates",
])("a list in a query may come as %s", async (query) => {
  const id = await newThread();
  const body = chat("hi", { stream_mode: ["updates", "values", "debug"], stream_resumable: true });
  const run = await post(`/threads/${id}/runs/stream`, body);
  const path = `${server.url}${run.headers.get("location")}?${query}`;
  const joined = await send("GET", path, undefined, { "last-event-id": "-1" });
  const expected = query.includes("values") ? ["metadata", "updates", "values"] : ["metadata", "updates"];
  expect([...new Set(parseFrames(joined.text).map(({ event }) => event))].sort()).toEqual(expected);
});

it("an interrupt is never among the values of a thread", async () => {
  const id = await newThread();
  await post(`/threads/${id}/runs/stream`, { assistant_id: "ask", input: { answers: [] }, stream_mode: ["values"] });
  const { json } = await send("GET", `${server.url}/threads/${id}`);
  expect(json.values).toEqual({ answers: ["before"] });
  expect(json.status).toBe("interrupted");
});

it("a message has one id in tokens, values, state and history", async () => {
  const id = await newThread();
  const { text } = await post(`/threads/${id}/runs/stream`, chat("a b", { stream_mode: ["messages-tuple", "values"] }));
  const frames = parseFrames(text);
  const tokens = frames.filter(({ event }) => event === "messages").map(({ data }) => JSON.parse(data)[0].id);
  const { json: state } = await send("GET", `${server.url}/threads/${id}/state`);
  const { json: history } = await post(`/threads/${id}/history`, { limit: 1 });
  const ids = new Set([...tokens, state.values.messages[1].id, history[0].values.messages[1].id]);
  expect(tokens.length).toBeGreaterThan(1);
  expect(ids.size).toBe(1);
});

it("an undefined recursion limit does not become LangGraph's default over the graph's own", async () => {
  const { json } = await post("/runs/wait", { assistant_id: "settings", input: {}, config: { recursion_limit: 7 } });
  expect(json.seen.recursion_limit).toBe(7);
});

it("two runs of one graph at once, one without checkpoints, do not disturb each other", async () => {
  const id = await newThread();
  const config = { configurable: { steps: 3, step_ms: 60 } };
  const body = { assistant_id: "steps", input: {}, config };
  await Promise.all([post(`/threads/${id}/runs/wait`, body), post("/runs/wait", body), post("/runs/wait", body)]);
  expect((await post(`/threads/${id}/history`, { limit: 100 })).json).toHaveLength(6);
});

it("what others must not set does not reach the graph or the answer", async () => {
  const configurable = { langgraph_auth_user: { identity: "root" }, langgraph_auth_user_id: "root", mine: 1 };
  const id = await newThread();
  const { json } = await post(`/threads/${id}/runs/wait`, {
    assistant_id: "settings",
    input: {},
    config: { configurable },
  });
  expect(json.seen.configurable.mine).toBe(1);
  expect(JSON.stringify(json)).not.toContain("root");
  const runs = await send("GET", `${server.url}/threads/${id}/runs`);
  expect(runs.text).not.toContain("root");
});

it("a run that ends before its stream is opened is streamed whole", async () => {
  for (let turn = 0; turn < 20; turn++) {
    const { text } = await post("/runs/stream", { assistant_id: "loose", input: { value: turn } });
    expect(parseFrames(text).map(({ event }) => event)).toEqual(["metadata", "values"]);
  }
});

it("subgraph namespaces are read with their bar encoded or not", async () => {
  const encoded = await send("GET", `${server.url}/assistants/nested/subgraphs/gp_two%7Cp_two?recurse=true`);
  const plain = await send("GET", `${server.url}/assistants/nested/subgraphs/gp_two|p_two?recurse=true`);
  expect(Object.keys(encoded.json)).toEqual(["gp_two|p_two"]);
  expect(plain.json).toEqual(encoded.json);
});

it("the root's history does not hold the subgraphs' checkpoints", async () => {
  const id = await newThread();
  await post(`/threads/${id}/runs/wait`, { assistant_id: "nested", input: { trail: [] } });
  const { json } = await post(`/threads/${id}/history`, { limit: 100 });
  expect(json).toHaveLength(4);
  for (const state of json) {
    expect(state.checkpoint.checkpoint_ns).toBe("");
    expect(state.metadata).not.toHaveProperty("checkpoint_ns");
  }
});

it("a stateless run's thread stays until its stream has been sent", async () => {
  const { text, headers } = await post("/runs/stream", {
    assistant_id: "steps",
    input: {},
    config: { configurable: { steps: 2, step_ms: 20 } },
    stream_mode: ["custom", "values"],
  });
  const frames = parseFrames(text);
  expect(frames.at(-1)!.event).toBe("values");
  expect(JSON.parse(frames.at(-1)!.data).done).toBe(2);
  expect(headers.get("location")).toMatch(/^\/runs\/[\w-]{36}\/stream$/);
});

it("an old client's run of an unknown assistant is refused with 4xx, so that it is not sent again", async () => {
  for (const { connect } of SDK_LINES) {
    await expect(connect(server.url).runs.wait(null, UNKNOWN_ID)).rejects.toThrow(/HTTP 4\d\d/);
  }
});

it("a stream that nobody reads does not hold up its run", async () => {
  const id = await newThread();
  const leave = new AbortController();
  const body = { assistant_id: "steps", input: {}, config: { configurable: { steps: 2, step_ms: 50 } } };
  const response = await fetch(`${server.url}/threads/${id}/runs/stream`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: leave.signal,
  });
  const run = `${server.url}${response.headers.get("content-location")}`;
  await expect.poll(async () => (await send("GET", run)).json.status, { timeout: 5_000 }).toBe("success");
  leave.abort();
});
