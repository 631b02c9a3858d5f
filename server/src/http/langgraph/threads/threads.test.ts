// Threads through the official client: the whole surface, paging, selecting, and the authoriser's word.
import { Client } from "@langchain/langgraph-sdk";
import { describe, expect, it } from "vitest";
import { type Fixture, makeThread, startFixture, UNKNOWN_ID } from "../../http-app.fixture.ts";

const clientOf = (fixture: Fixture) => new Client({ apiUrl: fixture.url, callerOptions: { maxRetries: 0 } });

describe("threads", () => {
  it("are created, read, changed, counted, copied, pruned and deleted", async () => {
    await using fixture = await startFixture();
    const { threads } = clientOf(fixture);
    const created = await threads.create({ threadId: UNKNOWN_ID, metadata: { a: 1 }, graphId: "agent", ttl: 60 });
    expect(created).toMatchObject({
      thread_id: UNKNOWN_ID,
      status: "idle",
      values: null,
      metadata: { graph_id: "agent" },
    });
    await expect(threads.create({ threadId: UNKNOWN_ID })).rejects.toThrow("HTTP 409");
    expect((await threads.create({ threadId: UNKNOWN_ID, ifExists: "do_nothing" })).metadata).toMatchObject({ a: 1 });
    expect((await threads.update(UNKNOWN_ID, { metadata: { b: 2 } })).metadata).toMatchObject({ a: 1, b: 2 });
    expect((await threads.get(UNKNOWN_ID)).metadata).toMatchObject({ b: 2 });
    expect(await threads.count()).toBe(1);
    const copy = await threads.copy(UNKNOWN_ID);
    expect(copy.thread_id).not.toBe(UNKNOWN_ID);
    expect(await threads.prune([copy.thread_id], { strategy: "delete" })).toEqual({ pruned_count: 1 });
    await threads.delete(UNKNOWN_ID);
    await expect(threads.get(UNKNOWN_ID)).rejects.toThrow("HTTP 404");
    await expect(threads.copy(UNKNOWN_ID)).rejects.toThrow("HTTP 409");
  });

  it("are paged with true totals", async () => {
    await using fixture = await startFixture();
    for (let index = 0; index < 5; index++) fixture.threads.set(String(index), makeThread());
    const page = async (body: object) => {
      const response = await fetch(`${fixture.url}/threads/search`, { method: "POST", body: JSON.stringify(body) });
      const items = (await response.json()) as unknown[];
      return [items.length, response.headers.get("x-pagination-total"), response.headers.get("x-pagination-next")];
    };
    expect(await page({ limit: 2 })).toEqual([2, "5", "2"]);
    expect(await page({ limit: 2, offset: 2 })).toEqual([2, "5", "4"]);
    expect(await page({ limit: 2, offset: 4 })).toEqual([1, "5", null]);
    expect(await page({ limit: 5 })).toEqual([5, "5", null]);
    expect(await page({ offset: 9 })).toEqual([0, "5", null]);
  });

  it("show selected fields and extracted values, and read values only where they are shown", async () => {
    await using fixture = await startFixture();
    const values = { messages: [{ content: "first" }, { content: "last" }], "odd key": 1 };
    fixture.threads.set("t", makeThread({ values, metadata: { a: { b: 2 } } }));
    const asked: boolean[] = [];
    const { searchThreads } = fixture.services.threads;
    fixture.services.threads.searchThreads = (query, access) => {
      asked.push(query.withValues);
      return searchThreads(query, access);
    };
    const search = async (body: object) => {
      const response = await fetch(`${fixture.url}/threads/search`, { method: "POST", body: JSON.stringify(body) });
      return ((await response.json()) as object[])[0]!;
    };
    expect(Object.keys(await search({ select: ["thread_id", "status"] })).sort()).toEqual(["status", "thread_id"]);
    const extract = { last: "values.messages[-1].content", nested: "metadata.a.b", none: "values.nope[3].x" };
    expect(await search({ select: ["status"], extract })).toEqual({
      status: "idle",
      extracted: { last: "last", nested: 2, none: null },
    });
    await search({});
    expect(asked).toEqual([false, true, true]);
    const wrong = await fetch(`${fixture.url}/threads/search`, {
      method: "POST",
      body: JSON.stringify({ extract: { x: "constructor.name" } }),
    });
    expect(wrong.status).toBe(422);
  });
});

describe("a thread's edges", () => {
  it("answer 204 to those who want no body", async () => {
    await using fixture = await startFixture();
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID }));
    const response = await fetch(`${fixture.url}/threads/${UNKNOWN_ID}`, {
      method: "PATCH",
      headers: { prefer: "return=minimal" },
      body: '{"metadata":{"a":1}}',
    });
    expect([response.status, await response.text()]).toEqual([204, ""]);
  });

  it("show their time to live only when asked", async () => {
    await using fixture = await startFixture();
    const ttl = { strategy: "delete", ttlMinutes: 60, expiresAt: new Date("2026-02-02T00:00:00Z") } as const;
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID, ttl }));
    const read = async (query: string) => (await fetch(`${fixture.url}/threads/${UNKNOWN_ID}${query}`)).json();
    expect(await read("")).not.toHaveProperty("ttl");
    expect(await read("?include=ttl")).toMatchObject({
      ttl: { strategy: "delete", ttl: 60, expires_at: "2026-02-02T00:00:00.000Z" },
    });
  });

  it("start from supersteps, and not at all when these fail", async () => {
    await using fixture = await startFixture();
    const { threads } = clientOf(fixture);
    const supersteps = [{ updates: [{ values: { n: 1 }, asNode: "a" }] }];
    expect((await threads.create({ graphId: "agent", supersteps })).thread_id).toBeTruthy();
    await expect(threads.create({ threadId: UNKNOWN_ID, supersteps })).rejects.toThrow("has no graph ID");
    fixture.engine.applySupersteps = () => Promise.reject(new Error("broken"));
    await expect(threads.create({ threadId: UNKNOWN_ID, graphId: "agent", supersteps })).rejects.toThrow("HTTP 500");
    expect(fixture.threads.has(UNKNOWN_ID)).toBe(false);
  });
});

describe("states", () => {
  it("are read, listed and changed", async () => {
    await using fixture = await startFixture();
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID }));
    const { threads } = clientOf(fixture);
    const state = await threads.getState(UNKNOWN_ID);
    expect(state).toMatchObject({
      next: [],
      tasks: [],
      checkpoint: { thread_id: UNKNOWN_ID, checkpoint_ns: "", checkpoint_id: "c1" },
      parent_checkpoint: null,
      created_at: "2026-01-02T03:04:05.678Z",
    });
    expect(await threads.getState(UNKNOWN_ID, "c1", { subgraphs: true })).toEqual(state);
    expect(await threads.getState(UNKNOWN_ID, { checkpoint_ns: "a", checkpoint_id: "c1" } as never)).toEqual(state);
    expect(
      await threads.getHistory(UNKNOWN_ID, { limit: 1, before: { configurable: { checkpoint_id: "c9" } } }),
    ).toEqual([state]);
    const written = await threads.updateState(UNKNOWN_ID, { values: { n: 2 }, asNode: "a" });
    expect(written).toMatchObject({ checkpoint: { thread_id: UNKNOWN_ID, checkpoint_id: "c2" } });
    await threads.patchState(UNKNOWN_ID, { merged: true });
    expect(fixture.threads.get(UNKNOWN_ID)!.metadata).toEqual({ merged: true });
  });

  it("pass history queries on as asked", async () => {
    await using fixture = await startFixture();
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID, metadata: { graph_id: "agent" } }));
    const queries: unknown[] = [];
    const { readHistory } = fixture.services.threadStates;
    fixture.services.threadStates.readHistory = (context, query) => {
      queries.push([context.graphId, query]);
      return readHistory(context, query);
    };
    const url = `${fixture.url}/threads/${UNKNOWN_ID}/history`;
    const post = (body: object) => fetch(url, { method: "POST", body: JSON.stringify(body) });
    await fetch(`${url}?limit=3&before=c5`);
    await post({ before: "c5" });
    await post({ before: { checkpoint_id: "c5" }, metadata: { step: 1 }, checkpoint: { checkpoint_ns: "sub" } });
    await post({ before: { configurable: { checkpoint_id: "c5", thread_id: "x" } } });
    expect(queries).toEqual([
      ["agent", { limit: 3, before: { checkpointId: "c5" } }],
      ["agent", { limit: 10, before: { checkpointId: "c5" } }],
      [
        "agent",
        { limit: 10, before: { checkpointId: "c5" }, metadata: { step: 1 }, checkpoint: { checkpointNs: "sub" } },
      ],
      ["agent", { limit: 10, before: { checkpointId: "c5" } }],
    ]);
  });

  it("show only what is selected", async () => {
    await using fixture = await startFixture();
    fixture.threads.set(UNKNOWN_ID, makeThread({ threadId: UNKNOWN_ID }));
    const response = await fetch(`${fixture.url}/threads/${UNKNOWN_ID}/state?select=values.count&select=next`);
    expect(await response.json()).toEqual({ values: { count: 1 }, next: [] });
  });
});

describe("the authoriser", () => {
  it("stamps a new thread and a copy, and decides by the values it was given", async () => {
    await using fixture = await startFixture();
    fixture.auth.rule = ({ action, value }) => {
      if (action === "create") value.metadata = { ...(value.metadata as object), owner: "ada" };
      return undefined;
    };
    const { threads } = clientOf(fixture);
    const created = await threads.create({ metadata: { a: 1 } });
    expect(created.metadata).toEqual({ a: 1, owner: "ada" });
    fixture.threads.get(created.thread_id)!.metadata.owner = "bob";
    expect((await threads.copy(created.thread_id)).metadata).toMatchObject({ owner: "ada" });
  });

  it.each([
    ["GET", "", "read"],
    ["PATCH", "", "update"],
    ["DELETE", "", "delete"],
    ["GET", "/state", "read"],
    ["POST", "/state", "update"],
    ["GET", "/history", "read"],
    ["POST", "/history", "read"],
    ["GET", "/runs", "search"],
    ["GET", `/runs/${UNKNOWN_ID}`, "read"],
    ["GET", `/runs/${UNKNOWN_ID}/join`, "read"],
    ["GET", `/runs/${UNKNOWN_ID}/stream`, "read"],
    ["DELETE", `/runs/${UNKNOWN_ID}`, "delete"],
    ["POST", `/runs/${UNKNOWN_ID}/cancel`, "update"],
  ])("is asked before %s /threads/{id}%s: threads:%s", async (method, path, action) => {
    await using fixture = await startFixture();
    await (await fetch(`${fixture.url}/threads/${UNKNOWN_ID}${path}`, { method })).text();
    expect(fixture.checks[0]).toMatchObject({ resource: "threads", action, value: { thread_id: UNKNOWN_ID } });
  });
});
