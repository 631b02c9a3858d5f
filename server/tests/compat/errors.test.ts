// Statuses and messages of every refusal that clients know about.
import { beforeAll, expect, it } from "vitest";
import { type Answer, send, UNKNOWN_ID } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent"], env: { HOLDFAST_REQUEST_BODY_BYTES_MAX: "2000" } });

let threadId: string;
beforeAll(async () => {
  threadId = (await post("/threads", {})).json.thread_id;
});

const post = (path: string, body?: unknown): Promise<Answer> => send("POST", server.url + path, body);

const run = { assistant_id: "agent", input: { messages: [] } };
const noAssistant = (id: string) =>
  `No assistant found for "${id}". Make sure the assistant ID is for a valid assistant or a valid graph ID.`;

const REFUSALS: [method: string, path: string, body: unknown, status: number, detail: string | RegExp][] = [
  ["GET", `/threads/${UNKNOWN_ID}`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["PATCH", `/threads/${UNKNOWN_ID}`, {}, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["DELETE", `/threads/${UNKNOWN_ID}`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["GET", `/threads/${UNKNOWN_ID}/state`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/state`, { values: {} }, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/history`, {}, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/copy`, undefined, 409, "Thread not found"],
  ["POST", `/threads/${UNKNOWN_ID}/runs`, run, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/runs/wait`, run, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/runs/stream`, run, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["GET", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}`, undefined, 404, "Run not found"],
  ["DELETE", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}`, undefined, 404, "Run not found"],
  ["POST", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/cancel`, undefined, 404, "Run not found"],
  ["GET", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/join`, undefined, 404, "Run not found"],
  ["POST", "/runs/wait", { assistant_id: "nope" }, 404, noAssistant("nope")],
  ["POST", "/runs", { assistant_id: UNKNOWN_ID }, 404, noAssistant(UNKNOWN_ID)],
  ["PATCH", `/threads/${UNKNOWN_ID}/state`, { metadata: {} }, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["GET", `/threads/${UNKNOWN_ID}/state/${UNKNOWN_ID}`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  [
    "POST",
    `/threads/${UNKNOWN_ID}/state/checkpoint`,
    { checkpoint: {} },
    404,
    `Thread with ID ${UNKNOWN_ID} not found`,
  ],
  ["GET", `/threads/${UNKNOWN_ID}/history`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["GET", `/threads/${UNKNOWN_ID}/runs`, undefined, 404, `Thread with ID ${UNKNOWN_ID} not found`],
  ["POST", `/threads/${UNKNOWN_ID}/runs/crons`, { ...run, schedule: "* * * * *" }, 404, /not found/],
  ["GET", `/runs/crons/${UNKNOWN_ID}`, undefined, 404, /not found/],
  ["PATCH", `/runs/crons/${UNKNOWN_ID}`, {}, 404, /not found/],
  ["DELETE", `/runs/crons/${UNKNOWN_ID}`, undefined, 404, /not found/],
  ["POST", "/runs/crons", { ...run, schedule: "every day" }, 422, /schedule/],
  ["POST", "/runs/crons", { ...run, schedule: "* * * * *", timezone: "Mars/Base" }, 422, /timezone/],
  ["GET", `/assistants/${UNKNOWN_ID}`, undefined, 404, "Assistant not found"],
  ["PATCH", `/assistants/${UNKNOWN_ID}`, {}, 404, "Assistant not found"],
  ["DELETE", `/assistants/${UNKNOWN_ID}`, undefined, 404, "Assistant not found"],
  ["GET", `/assistants/${UNKNOWN_ID}/graph`, undefined, 404, "Assistant not found"],
  ["GET", `/assistants/${UNKNOWN_ID}/schemas`, undefined, 404, "Assistant not found"],
  ["GET", `/assistants/${UNKNOWN_ID}/subgraphs`, undefined, 404, "Assistant not found"],
  ["GET", "/assistants/agent/graph?xray=deep", undefined, 422, /xray/],
  ["POST", "/runs/stream", { assistant_id: "nope" }, 404, noAssistant("nope")],
  ["POST", "/runs/batch", [{ assistant_id: "nope" }], 404, noAssistant("nope")],
  ["POST", "/runs/cancel", { run_ids: [UNKNOWN_ID] }, 404, /^No pending or running run/],
  ["POST", `/threads/${UNKNOWN_ID}/runs`, { ...run, multitask_strategy: "queue" }, 422, /multitask_strategy/],
  ["POST", `/threads/${UNKNOWN_ID}/runs`, { ...run, if_not_exists: "maybe" }, 422, /if_not_exists/],
  ["POST", "/runs/wait", { ...run, durability: "never" }, 422, /durability/],
  ["POST", "/runs/wait", { ...run, on_completion: "forget" }, 422, /on_completion/],
  ["POST", "/runs/stream", { ...run, on_disconnect: "wait" }, 422, /on_disconnect/],
  ["POST", "/runs/wait", { ...run, after_seconds: -1 }, 422, /after_seconds/],
  ["POST", `/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/cancel?action=stop`, undefined, 422, /action/],
  ["POST", "/threads/prune", { thread_ids: [UNKNOWN_ID], strategy: "half" }, 422, /strategy/],
  ["POST", "/threads/search", { extract: { a: "secret.path" } }, 422, /extract/],
  ["PUT", "/store/items", { namespace: [], key: "k", value: {} }, 400, "Namespace is required"],
  [
    "PUT",
    "/store/items",
    { namespace: ["a.b"], key: "k", value: {} },
    422,
    /^Namespace labels cannot be empty or contain periods/,
  ],
  ["PUT", "/store/items", { namespace: ["a"], key: "k", value: 1 }, 422, /value/],
  ["POST", `/assistants/${UNKNOWN_ID}/versions`, {}, 404, `Assistant "${UNKNOWN_ID}" not found.`],
  ["POST", `/assistants/${UNKNOWN_ID}/latest`, { version: 1 }, 404, /not found/],
  ["POST", "/assistants", { graph_id: "nope" }, 404, /nope/],
  ["GET", "/threads/no-uuid", undefined, 422, /thread_id/],
  ["GET", `/threads/${UNKNOWN_ID}/runs/no-uuid`, undefined, 422, /run_id/],
  ["POST", "/threads", { thread_id: "no-uuid" }, 422, /thread_id/],
  ["POST", "/threads", { metadata: "text" }, 422, /metadata/],
  ["POST", "/threads", [], 422, /./],
  ["POST", "/threads/search", { limit: 0 }, 422, /limit/],
  ["POST", "/threads/search", { limit: 1001 }, 422, /limit/],
  ["POST", "/threads/search", { offset: -1 }, 422, /offset/],
  ["POST", "/threads/search", { status: "asleep" }, 422, /status/],
  ["POST", "/threads/search", { sort_by: "password" }, 422, /sort_by/],
  ["POST", "/runs/wait", {}, 422, /assistant_id/],
  ["POST", "/runs/wait", { ...run, stream_mode: "no_such_mode" }, 422, /stream_mode/],
  ["POST", "/runs/wait", { ...run, config: { recursion_limit: "many" } }, 422, /recursion_limit/],
  ["POST", "/runs/wait", { ...run, webhook: "ftp://x" }, 422, /webhook/],
  ["POST", "/runs/cancel", {}, 422, /run_ids/],
  ["POST", "/threads", "{", 400, /^Malformed JSON in request body/],
  ["POST", "/runs/wait", "{'a': 1}", 400, /^Malformed JSON in request body/],
  ["POST", "/runs/wait", `{"assistant_id":"agent","input":"${"x".repeat(3_000)}"}`, 413, /2,?000|body/i],
  ["GET", "/no/such/route", undefined, 404, /./],
];

it.each(REFUSALS)("%s %s %j answers %i", async (method, path, body, status, detail) => {
  const answer = await send(method, server.url + path, body);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(answer.json.detail).toEqual(typeof detail === "string" ? detail : expect.stringMatching(detail));
});

it("what exists already is 409", async () => {
  const again = await post("/threads", { thread_id: threadId });
  expect([again.status, again.json.detail]).toEqual([409, "Thread already exists"]);
  const { json } = await post("/assistants", { graph_id: "agent" });
  const twice = await post("/assistants", { graph_id: "agent", assistant_id: json.assistant_id });
  expect([twice.status, twice.json.detail]).toEqual([409, "Assistant already exists"]);
});

it("what a busy thread refuses is 409", async () => {
  const later = await post(`/threads/${threadId}/runs`, { ...run, after_seconds: 600 });
  const state = await post(`/threads/${threadId}/state`, { values: human("x") });
  expect([state.status, state.json.detail]).toEqual([409, "Thread is busy"]);
  const rejected = await post(`/threads/${threadId}/runs`, { ...run, multitask_strategy: "reject" });
  expect([rejected.status, rejected.json.detail]).toEqual([
    409,
    "Thread is already running a task. Wait for it to finish or choose a different multitask strategy.",
  ]);
  await post(`/threads/${threadId}/runs/${later.json.run_id}/cancel?wait=1`);
});

it("a state of a thread without a graph cannot be updated", async () => {
  const { json } = await post("/threads", {});
  const answer = await post(`/threads/${json.thread_id}/state`, { values: {} });
  expect([answer.status, answer.json.detail]).toEqual([400, `Thread ${json.thread_id} has no graph ID`]);
});

it("a wrong method names the right ones", async () => {
  const answer = await send("PUT", `${server.url}/threads`, {});
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toContain("POST");
});

it("no body and no content type are an empty object", async () => {
  const thread = await fetch(`${server.url}/threads`, { method: "POST" });
  expect(thread.status).toBe(200);
  const text = await fetch(`${server.url}/threads`, { method: "POST", body: '{"metadata":{"a":1}}' });
  expect(await text.json()).toMatchObject({ metadata: { a: 1 } });
});
