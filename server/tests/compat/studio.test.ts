// Studio in a browser: what it asks for when it opens, and while a person works with a thread, with its origin and headers.
import { expect, test } from "vitest";
import { type Answer, parseFrames, send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "ask", "nested"] });

const ORIGIN = "https://smith.langchain.com";
const HEADERS = {
  origin: ORIGIN,
  "x-auth-scheme": "langsmith",
  "x-api-key": "lsv2_pt_of_somebody",
  "x-tenant-id": "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21",
  "x-user-id": "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b22",
};
const ALL_MODES = ["debug", "messages", "values", "updates", "tasks", "checkpoints", "events"];

/** A request as Chrome sends it from Studio: the preflight first, from a public page into a private network, then the request. */
async function ask(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> {
  const headers = { ...HEADERS, ...more };
  const named = [...Object.keys(headers).filter((name) => name !== "origin"), "content-type"];
  const preflight = await send("OPTIONS", server.url + path, undefined, {
    origin: ORIGIN,
    "access-control-request-method": method,
    "access-control-request-headers": named.join(","),
    "access-control-request-private-network": "true",
  });
  expect(preflight.status).toBeLessThan(300);
  expect(preflight.headers.get("access-control-allow-private-network")).toBe("true");
  const methods = preflight.headers.get("access-control-allow-methods") ?? "";
  expect(["GET", "POST"].includes(method) || methods.includes("*") || methods.includes(method)).toBe(true);
  const allowed = preflight.headers.get("access-control-allow-headers")?.toLowerCase().split(/,\s*/) ?? [];
  if (!allowed.includes("*")) expect(allowed).toEqual(expect.arrayContaining(named));
  const answer = await send(method, server.url + path, body, headers);
  expect(["*", ORIGIN]).toContain(answer.headers.get("access-control-allow-origin"));
  return answer;
}

test("opens: versions, assistants, the drawing, the forms, the subgraphs, the versions of an assistant", async () => {
  const info = await ask("GET", "/info");
  expect(info.json).toMatchObject({
    version: expect.any(String),
    langgraph_js_version: expect.any(String),
    flags: { assistants: true, crons: true },
  });
  const assistants = await ask("POST", "/assistants/search", { limit: 100, offset: 0, metadata: {} });
  expect(assistants.json.map((each: { graph_id: string }) => each.graph_id).sort()).toEqual(["agent", "ask", "nested"]);
  expect(assistants.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("x-pagination-total");
  const id = assistants.json.find((each: { graph_id: string }) => each.graph_id === "nested").assistant_id;
  const drawing = await ask("GET", `/assistants/${id}/graph?xray=true`);
  expect(drawing.json.nodes.map((node: { id: string }) => node.id)).toContain("gp_two:p_two:c_one");
  const schemas = await ask("GET", `/assistants/${id}/schemas`);
  expect(schemas.json).toMatchObject({ graph_id: "nested", input_schema: { properties: { trail: {} } } });
  const subgraphs = await ask("GET", `/assistants/${id}/subgraphs?recurse=true`);
  expect(Object.keys(subgraphs.json).sort()).toEqual(["gp_two", "gp_two|p_two"]);
  const versions = await ask("POST", `/assistants/${id}/versions`, { limit: 100, offset: 0 });
  expect(versions.json).toMatchObject([{ assistant_id: id, version: 1 }]);
});

test("runs a graph with all it can show, stops it before every node, edits, forks, copies and deletes the thread", async () => {
  const { thread_id: id } = (await ask("POST", "/threads", { metadata: { graph_id: "agent" } })).json;
  const body = { assistant_id: "agent", stream_mode: ALL_MODES, stream_subgraphs: true, multitask_strategy: "enqueue" };
  const stopped = await ask("POST", `/threads/${id}/runs/stream`, {
    ...body,
    input: human("a"),
    interrupt_before: "*",
  });
  expect(stopped.headers.get("access-control-expose-headers")?.toLowerCase()).toContain("content-location");
  const state = await ask("GET", `/threads/${id}/state?subgraphs=true`);
  expect(state.json).toMatchObject({ next: ["agent"], values: { messages: [{ content: "a" }] } });
  const streamed = await ask("POST", `/threads/${id}/runs/stream`, {
    ...body,
    input: null,
    langsmith_tracer: { project_name: "studio" },
    feedback_keys: ["score"],
  });
  const frames = parseFrames(streamed.text);
  const names = new Set(frames.map(({ event }) => event.replace("messages/partial", "messages")));
  for (const mode of ALL_MODES) expect(names).toContain(mode);
  expect(names).not.toContain("error");
  const debug = frames.filter(({ event }) => event === "debug").map(({ data }) => JSON.parse(data));
  const last = debug.filter(({ type }) => type === "checkpoint").at(-1).payload;
  expect(last).toMatchObject({ next: [], tasks: [], checkpoint: { checkpoint_id: expect.any(String) } });
  expect(last.parent_checkpoint).toMatchObject({ checkpoint_id: expect.any(String) });

  const history = (await ask("POST", `/threads/${id}/history`, { limit: 100 })).json;
  const base = history.find((each: { next: string[] }) => each.next[0] === "agent").checkpoint;
  const edit = { values: human("b"), checkpoint: base, as_node: "__start__" };
  const fork = (await ask("POST", `/threads/${id}/state`, edit)).json.checkpoint;
  await ask("POST", `/threads/${id}/runs/stream`, { ...body, input: null, checkpoint: fork });
  const forked = (await ask("GET", `/threads/${id}/state`)).json.values.messages;
  expect(forked.at(-1).content).toBe("You said: b");

  const copy = (await ask("POST", `/threads/${id}/copy`)).json.thread_id;
  expect((await ask("GET", `/threads/${copy}/state`)).json.values.messages).toEqual(forked);
  const found = await ask("POST", "/threads/search", {
    metadata: { graph_id: "agent" },
    sort_by: "updated_at",
    limit: 20,
  });
  expect(found.json.map((each: { thread_id: string }) => each.thread_id).sort()).toEqual([copy, id].sort());
  for (const each of [copy, id]) expect((await ask("DELETE", `/threads/${each}`)).status).toBe(204);
  expect((await ask("GET", `/threads/${id}/state`)).status).toBe(404);
});

test("asks a person and goes on with the answer", async () => {
  const { thread_id: id } = (await ask("POST", "/threads", {})).json;
  const body = { assistant_id: "ask", stream_mode: ALL_MODES, stream_subgraphs: true };
  await ask("POST", `/threads/${id}/runs/stream`, { ...body, input: { answers: [] } });
  const [thread] = (await ask("POST", "/threads/search", { ids: [id], status: "interrupted" })).json;
  expect(Object.values(thread.interrupts).flat()).toMatchObject([{ value: { question: "name?" } }]);
  await ask("POST", `/threads/${id}/runs/stream`, { ...body, command: { resume: "Ada" } });
  expect((await ask("GET", `/threads/${id}`)).json).toMatchObject({ status: "idle", interrupts: {} });
});

test("browses the store", async () => {
  const item = { namespace: ["studio", "notes"], key: "one", value: { text: "hi" } };
  expect((await ask("PUT", "/store/items", item)).status).toBe(204);
  const spaces = await ask("POST", "/store/namespaces", { limit: 100, offset: 0 });
  expect(spaces.json.namespaces).toContainEqual(item.namespace);
  const items = await ask("POST", "/store/items/search", { namespace_prefix: ["studio"], limit: 20, offset: 0 });
  expect(items.json.items).toMatchObject([item]);
  const gone = await ask("DELETE", "/store/items", { namespace: item.namespace, key: item.key });
  expect(gone.status).toBe(204);
});

test("keeps its assistants: create, change, go back, delete", async () => {
  const made = await ask("POST", "/assistants", {
    graph_id: "agent",
    name: "mine",
    config: { configurable: { a: 1 } },
  });
  const path = `/assistants/${made.json.assistant_id}`;
  const changed = await ask("PATCH", path, { config: { configurable: { a: 2 } } });
  expect(changed.json).toMatchObject({ version: 2, config: { configurable: { a: 2 } } });
  expect((await ask("POST", `${path}/latest`, { version: 1 })).json).toMatchObject({
    version: 1,
    config: { configurable: { a: 1 } },
  });
  expect((await ask("DELETE", path)).status).toBeLessThan(300);
});
