// Runs through the official clients, old and new: creating, waiting, listing, cancelling, and what a request becomes inside.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import { Client as OldClient } from "@langchain/langgraph-sdk-2";
import { describe, expect, it } from "vitest";
import { DatabaseUnavailableError, NotFoundError } from "../../../domain/errors.ts";
import type { Principal } from "../../../domain/principal.ts";
import { type Fixture, startFixture, UNKNOWN_ID } from "../../http-app.fixture.ts";

const CLIENTS = [
  ["sdk 1.15", (fixture: Fixture) => new Client({ apiUrl: fixture.url, callerOptions: { maxRetries: 0 } })],
  [
    "sdk 2.0.0",
    (fixture: Fixture) => new OldClient({ apiUrl: fixture.url, callerOptions: { maxRetries: 0 } }) as unknown as Client,
  ],
] as const;

function finishWith(fixture: Fixture, result: string, afterMs = 0) {
  fixture.engine.onRun = (run) =>
    void setTimeout(() => {
      fixture.engine.emit(run.runId, "values", '{"n":1}');
      fixture.engine.finish(run.runId, result);
    }, afterMs);
}

describe.each(CLIENTS)("with %s", (_name, makeClient) => {
  it("streams, waits and joins on a thread and without one", async () => {
    await using fixture = await startFixture();
    const client = makeClient(fixture);
    finishWith(fixture, '{"n":1}', 5);
    const { thread_id } = await client.threads.create();
    for (const threadId of [thread_id, null] as string[]) {
      const seen: unknown[] = [];
      const named: unknown[] = [];
      const onRunCreated = (run: unknown) => void named.push(run);
      for await (const part of client.runs.stream(threadId, "agent", { input: {}, onRunCreated }))
        seen.push(part.event);
      expect(seen).toEqual(["metadata", "values"]);
      expect(named).toHaveLength(1);
      expect(await client.runs.wait(threadId, "agent", { input: {} })).toEqual({ n: 1 });
    }
    const run = await client.runs.create(thread_id, "agent", { input: {} });
    expect(await client.runs.join(thread_id, run.run_id)).toEqual({ n: 1 });
    expect(await client.runs.get(thread_id, run.run_id)).toMatchObject({ run_id: run.run_id, status: "success" });
    expect(await client.runs.list(thread_id)).toHaveLength(3);
    await client.runs.cancel(thread_id, run.run_id, true, "rollback");
    expect(fixture.engine.cancelled).toEqual([{ runId: run.run_id, action: "rollback", wait: true }]);
    await client.runs.delete(thread_id, run.run_id);
    await expect(client.runs.get(thread_id, run.run_id)).rejects.toThrow("HTTP 404");
  });

  it("joins a stream by its filters and its last event", async () => {
    await using fixture = await startFixture();
    const client = makeClient(fixture);
    const { thread_id } = await client.threads.create();
    const run = await client.runs.create(thread_id, "agent", { input: {} });
    fixture.engine.emit(run.run_id, "values", "{}");
    fixture.engine.emit(run.run_id, "updates", "{}");
    const joined = client.runs.joinStream(thread_id, run.run_id, {
      streamMode: ["updates", "custom"],
      lastEventId: "0",
    });
    setTimeout(() => fixture.engine.finish(run.run_id), 50);
    const seen: unknown[] = [];
    for await (const part of joined) seen.push(part.event);
    expect(seen).toEqual(["updates"]);
  });

  it("starts a batch", async () => {
    await using fixture = await startFixture();
    const runs = await makeClient(fixture).runs.createBatch([
      { assistantId: "agent", input: { n: 1 } },
      { assistantId: "agent", input: { n: 2 }, ifNotExists: "create" },
    ]);
    expect(runs).toHaveLength(2);
    expect(fixture.engine.requests.map(({ input }) => input)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("hears of a run that failed", async () => {
    await using fixture = await startFixture();
    finishWith(fixture, '{"__error__":{"error":"CustomError","message":"Boo!"}}');
    await expect(makeClient(fixture).runs.wait(null, "agent", { input: {} })).rejects.toThrow("CustomError: Boo!");
  });
});

describe("waiting", () => {
  const wait = (fixture: Fixture) =>
    fetch(`${fixture.url}/runs/wait`, { method: "POST", body: '{"assistant_id":"agent"}' });

  it("answers a quick run in one piece", async () => {
    await using fixture = await startFixture();
    finishWith(fixture, '{"n":1}');
    const response = await wait(fixture);
    expect(response.headers.get("content-length")).toBe("7");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe('{"n":1}');
  });

  it("sends the headers soon, newlines meanwhile and the result last", async () => {
    await using fixture = await startFixture({ settings: { keepAliveIntervalMs: 40 } });
    const response = await wait(fixture);
    const [run] = fixture.engine.runs.values();
    expect(response.headers.get("content-location")).toBe(`/runs/${run!.runId}`);
    await sleep(200);
    fixture.engine.finish(run!.runId, '{"n":1}');
    expect(await response.text()).toMatch(/^\n{2,}\{"n":1\}$/);
  });

  it("never answers 5xx once the run exists", async () => {
    await using fixture = await startFixture();
    for (const error of [new DatabaseUnavailableError("gone"), new NotFoundError("Run not found"), new Error("x")]) {
      fixture.engine.awaitRun = () => Promise.reject(error);
      const response = await wait(fixture);
      expect(response.status).toBe(200);
      const { __error__ } = (await response.json()) as { __error__: { error: string; message: string } };
      expect(__error__.error).toMatch(/Error$/);
      expect(__error__.message).not.toBe("x");
    }
  });
});

const ask = async (fixture: Fixture, body: object, path = "/runs") => {
  const response = await fetch(fixture.url + path, {
    method: "POST",
    body: JSON.stringify({ assistant_id: "agent", ...body }),
  });
  expect(response.status).toBe(200);
  return fixture.engine.requests.at(-1)!;
};

describe("what a request becomes inside", () => {
  it("keeps every field under its own name", async () => {
    await using fixture = await startFixture();
    const thread = (await (await fetch(`${fixture.url}/threads`, { method: "POST" })).json()) as { thread_id: string };
    const body = {
      input: null,
      config: { tags: ["t"], recursion_limit: 7, configurable: { user_id: "u" } },
      context: { tone: "dry" },
      metadata: { m: 1 },
      checkpoint: { checkpoint_id: "c", checkpoint_ns: "", checkpoint_map: null },
      stream_mode: ["values", "values", "messages-tuple"],
      stream_subgraphs: true,
      stream_resumable: true,
      interrupt_before: "*",
      interrupt_after: ["a"],
      webhook: "https://example.test/hook",
      feedback_keys: ["f"],
      durability: "sync",
      strict_resume: true,
      multitask_strategy: "rollback",
      if_not_exists: "create",
      after_seconds: 1.5,
      priority: -3,
    };
    expect(await ask(fixture, body, `/threads/${thread.thread_id}/runs`)).toEqual({
      assistantId: "agent",
      threadId: thread.thread_id,
      input: null,
      config: { tags: ["t"], recursionLimit: 7, configurable: { user_id: "u" } },
      context: { tone: "dry" },
      metadata: { m: 1 },
      checkpoint: { checkpointId: "c", checkpointNs: "" },
      streamMode: ["values", "messages-tuple"],
      streamSubgraphs: true,
      streamResumable: true,
      interruptBefore: "*",
      interruptAfter: ["a"],
      webhook: "https://example.test/hook",
      feedbackKeys: ["f"],
      durability: "sync",
      strictResume: true,
      multitaskStrategy: "rollback",
      ifNotExists: "create",
      afterSeconds: 1.5,
      priority: -3,
    });
  });

  it("lets a command take the input's place and translates what is old", async () => {
    await using fixture = await startFixture();
    const command = { resume: null, goto: [{ node: "a", input: 1 }, "b"], update: [["k", 1]] };
    const request = await ask(fixture, { input: { n: 1 }, command, checkpoint_during: false, stream_mode: "updates" });
    expect(request).toMatchObject({ command, durability: "exit", streamMode: ["updates"] });
    expect(request).not.toHaveProperty("input");
  });
});

describe("who asks for a run", () => {
  it("lets nobody pose as a user or reach into the engine", async () => {
    await using fixture = await startFixture();
    const configurable = { langgraph_auth_user: { identity: "root" }, __pregel_resuming: true, mine: 1 };
    const request = await ask(fixture, { config: { configurable } });
    expect(request.config).toEqual({ configurable: { mine: 1 } });
    expect(request).not.toHaveProperty("trustedConfigurable");
  });

  it("shows the graph who asks, and nobody else", async () => {
    await using fixture = await startFixture();
    const principal: Principal = {
      identity: "ada",
      displayName: "Ada",
      permissions: ["p"],
      isAuthenticated: true,
      details: { org: "o" },
    };
    fixture.auth.principal = principal;
    const request = await ask(fixture, {});
    expect(request.trustedConfigurable).toMatchObject({
      langgraph_auth_user: { identity: "ada", org: "o" },
      langgraph_auth_user_id: "ada",
      langgraph_auth_permissions: ["p"],
    });
    const created = await fetch(`${fixture.url}/runs`, { method: "POST", body: '{"assistant_id":"agent"}' });
    const text = await created.text();
    expect(text).toContain('"user_id":"u1"');
    expect(text).not.toContain("langgraph_auth");
  });

  it("creates the run that the authoriser made of the request, under its filter", async () => {
    await using fixture = await startFixture();
    fixture.auth.rule = ({ action, value }) => {
      if (action !== "create_run") return undefined;
      value.metadata = { ...(value.metadata as object), owner: "ada" };
      Object.assign(value.kwargs as object, { input: { replaced: true } });
      return { equals: { key: "owner", value: "ada" } };
    };
    const request = await ask(fixture, { input: { n: 1 }, metadata: { m: 1 } });
    expect(request).toMatchObject({ input: { replaced: true }, metadata: { m: 1, owner: "ada" } });
    expect(fixture.engine.lastAccess).toEqual([{ equals: { key: "owner", value: "ada" } }]);
    expect(fixture.checks.at(-1)).toMatchObject({ resource: "threads", action: "create_run" });
  });
});

describe("a run that cannot be", () => {
  it.each([
    [{ webhook: "ftp://x" }, "body.webhook: must be an http(s) URL"],
    [{ stream_mode: "everything" }, "body.stream_mode: Invalid option"],
    [{ after_seconds: -1 }, "body.after_seconds: Too small"],
    [{ priority: 101 }, "body.priority: Too big"],
    [{ command: { goto: 5 } }, "body.command.goto"],
    [{ config: { recursion_limit: 0 } }, "body.config.recursion_limit"],
    [{ assistant_id: "" }, "body.assistant_id: Too small"],
  ])("refuses %j", async (body, detail) => {
    await using fixture = await startFixture();
    const response = await fetch(`${fixture.url}/threads/${UNKNOWN_ID}/runs`, {
      method: "POST",
      body: JSON.stringify({ assistant_id: "agent", ...body }),
    });
    expect(response.status).toBe(422);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
    expect(fixture.engine.requests).toEqual([]);
  });
});

describe("cancelling several runs", () => {
  it("takes ids or a status, and wants one of them", async () => {
    await using fixture = await startFixture();
    const client = new Client({ apiUrl: fixture.url });
    await client.runs.cancelMany({ threadId: UNKNOWN_ID, runIds: [UNKNOWN_ID], action: "rollback" });
    await client.runs.cancelMany({ status: "all" });
    expect(fixture.engine.bulkCancels).toEqual([
      { query: { threadId: UNKNOWN_ID, runIds: [UNKNOWN_ID] }, action: "rollback" },
      { query: { statuses: ["pending", "running"] }, action: "interrupt" },
    ]);
    expect((await fetch(`${fixture.url}/runs/cancel`, { method: "POST", body: "{}" })).status).toBe(422);
  });
});
