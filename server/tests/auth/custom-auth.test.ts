// The project's own Auth object on a whole server, through the official clients: who gets in, what is seen, what graphs are told, and
// that nothing of it leaks.
import { Client } from "@langchain/langgraph-sdk";
import { describe, expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { startTestServer } from "../harness/test-server.ts";

const server = useServer({ graphs: ["whoami"], content: { auth: { path: "./auth.ts:auth" } } });

const as = (identity: string, url = server.url): Client =>
  new Client({
    apiUrl: url,
    callerOptions: { maxRetries: 0 },
    defaultHeaders: { authorization: `Bearer ${identity}` },
  });

describe("getting in", () => {
  test("a refusal is answered as its author wrote it", async () => {
    const { status, json, headers } = await send("POST", `${server.url}/threads`, {});
    expect([status, json]).toEqual([401, { detail: "Who are you?" }]);
    expect(headers.get("www-authenticate")).toBe('Basic realm="tests"');
    expect(headers.get("x-error-code")).toBe("refused_by_auth");
  });

  test("a defect of the handler is a 500 that says nothing of it", async () => {
    const { status, text } = await send("POST", `${server.url}/threads`, {}, { authorization: "Bearer broken" });
    expect(status).toBe(500);
    expect(text).not.toContain("hunter2");
  });

  test("Studio's header is nothing unless the project allows it", async () => {
    const studio = { "x-auth-scheme": "langsmith", "x-api-key": "anything" };
    expect((await send("POST", `${server.url}/threads/search`, {}, studio)).status).toBe(401);
    await using open = await startTestServer({
      graphs: ["whoami"],
      content: { auth: { path: "./auth.ts:auth", disable_studio_auth: false } },
    });
    expect((await send("POST", `${open.url}/threads/search`, {}, studio)).status).toBe(200);
    expect((await send("POST", `${open.url}/threads/search`, {})).status).toBe(401);
  });
});

describe("what is seen", () => {
  test("the handler's filter holds on every way to a thread", async () => {
    const ada = as("ada").threads;
    const bob = as("bob").threads;
    const own = await ada.create({ metadata: { owner: "bob", note: 1 } });
    expect(own.metadata).toMatchObject({ owner: "ada", note: 1 });
    await expect(bob.get(own.thread_id)).rejects.toThrow("HTTP 404");
    await expect(bob.update(own.thread_id, { metadata: { x: 1 } })).rejects.toThrow("HTTP 404");
    expect(await bob.search({ ids: [own.thread_id] })).toEqual([]);
    expect(await as("root").threads.search({ ids: [own.thread_id] })).toHaveLength(1);
    await ada.update(own.thread_id, { metadata: { readers: ["bob", "carol"] } });
    expect((await bob.get(own.thread_id)).thread_id).toBe(own.thread_id);
    await expect(as("dave").threads.get(own.thread_id)).rejects.toThrow("HTTP 404");
  });

  test("the most specific handler decides, and false forbids", async () => {
    const { thread_id: threadId } = await as("ada").threads.create();
    await expect(as("ada").threads.delete(threadId)).rejects.toThrow("HTTP 418");
    await expect(as("ada").store.searchItems(["x"])).rejects.toThrow("HTTP 403");
  });
});

describe("graphs", () => {
  test("know who is asking; the API, the streams and the checkpoints never tell", async () => {
    const headers = { authorization: "Bearer a-secret-identity" };
    const ask = (method: string, path: string, body?: unknown) => send(method, `${server.url}${path}`, body, headers);
    const { json: thread } = await ask("POST", "/threads", {});
    const path = `/threads/${thread.thread_id}`;
    const streamed = await ask("POST", `${path}/runs/stream`, {
      assistant_id: "whoami",
      input: {},
      // What a client claims about itself counts for nothing.
      config: { configurable: { langgraph_auth_user_id: "root", langgraph_auth_user: { role: "root" }, kept: 1 } },
      stream_mode: [
        "values",
        "updates",
        "messages",
        "messages-tuple",
        "debug",
        "tasks",
        "checkpoints",
        "custom",
        "events",
      ],
      stream_subgraphs: true,
    });
    expect(streamed.text).toContain("knows");
    const { json: state } = await ask("GET", `${path}/state`);
    const told = [...state.values.caller].reverse().join("");
    const role = [...state.values.role].reverse().join("");
    expect([told, role, state.values.permissions]).toEqual(["a-secret-identity", "role-of-a-secret-identity", 2]);
    const runs = await ask("GET", `${path}/runs`);
    const shown = [
      streamed,
      runs,
      await ask("GET", path),
      await ask("GET", `${path}/state`),
      await ask("GET", `${path}/history`),
      await ask("GET", `${path}/runs/${runs.json[0].run_id}`),
      await ask("GET", `${path}/runs/${runs.json[0].run_id}/join`),
    ];
    for (const { text } of shown) {
      expect(text).not.toContain("langgraph_auth");
      expect(text).not.toContain("role-of-");
      // The handler stamped it on the thread itself: that is its word, not the server's.
      expect(text.replaceAll('"owner":"a-secret-identity"', "")).not.toContain("a-secret-identity");
    }
    const { pool } = server.database;
    const { rows } = await pool.query<{ text: string }>(
      `select coalesce(string_agg(c.metadata::text || c.body, ''), '') as text from checkpoint c where thread_id = $1`,
      [thread.thread_id],
    );
    expect(rows[0]!.text).not.toContain("langgraph_auth");
    expect(rows[0]!.text).not.toContain("role-of-");
    const kept = await pool.query<{ config: object }>("select config from thread where thread_id = $1", [
      thread.thread_id,
    ]);
    expect(JSON.stringify(kept.rows)).not.toContain("langgraph_auth");
  });
});

test("an Auth object without authenticate leaves it to API keys", async () => {
  await expect(
    startTestServer({ graphs: ["whoami"], content: { auth: { path: "./auth.ts:rulesOnly" } } }),
  ).rejects.toThrow("nobody could be let in");
  await using keyed = await startTestServer({
    graphs: ["whoami"],
    content: { auth: { path: "./auth.ts:rulesOnly" } },
    env: { HOLDFAST_API_KEYS: "1" },
  });
  expect((await send("POST", `${keyed.url}/threads`, {})).status).toBe(401);
});

test("an open API for other machines does not start, and says what to do", async () => {
  await expect(startTestServer({ graphs: ["whoami"], env: { HOST: "0.0.0.0" } })).rejects.toThrow(
    "holdfast keys create",
  );
  await using open = await startTestServer({ graphs: ["whoami"], env: { HOST: "0.0.0.0", HOLDFAST_ALLOW_OPEN: "1" } });
  expect((await send("POST", `${open.url.replace("0.0.0.0", "127.0.0.1")}/threads`, {})).status).toBe(200);
});
