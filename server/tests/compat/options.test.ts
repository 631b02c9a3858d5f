// Options of searches, lists and runs, each with what it changes: sorting, selection, encodings of queries, depth, older names.
import { Client } from "@langchain/langgraph-sdk";
import { describe, expect, it } from "vitest";
import { parseFrames, send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "loose", "nested", "settings", "steps"] });
const connect = () => new Client({ apiUrl: server.url, apiKey: null, callerOptions: { maxRetries: 0 } });
const post = (path: string, body?: unknown) => send("POST", server.url + path, body);
const get = (path: string, headers?: Record<string, string>) => send("GET", server.url + path, undefined, headers);

// biome-ignore lint/suspicious/noExplicitAny: rows of several kinds
type Row = Record<string, any>;

interface Search {
  path: string;
  /** Makes three rows that bear the mark. */
  make(mark: string): Promise<void>;
  sorts: string[];
  fields: string[];
}

async function makeThreads(mark: string) {
  for (const status of ["idle", "idle", "error"]) {
    const { thread_id } = (await post("/threads", { metadata: { mark } })).json;
    if (status === "error")
      await post(`/threads/${thread_id}/runs/wait`, { assistant_id: "steps", input: { done: "x" } });
  }
}

async function makeAssistants(mark: string) {
  for (const name of ["b", "c", "a"]) await post("/assistants", { graph_id: "agent", name, metadata: { mark } });
}

async function makeCrons(mark: string) {
  for (const hour of [3, 1, 2]) {
    const body = { assistant_id: "agent", schedule: `0 ${hour} 1 1 *`, metadata: { mark }, input: {} };
    await post("/runs/crons", { ...body, end_time: `2100-01-0${hour}T00:00:00Z` });
  }
}

const SEARCHES: Record<string, Search> = {
  assistants: {
    path: "/assistants/search",
    make: makeAssistants,
    sorts: ["assistant_id", "graph_id", "name", "created_at", "updated_at"],
    fields: "assistant_id graph_id name description config context created_at updated_at metadata version".split(" "),
  },
  threads: {
    path: "/threads/search",
    make: makeThreads,
    sorts: ["thread_id", "status", "created_at", "updated_at", "state_updated_at"],
    fields: "thread_id created_at updated_at state_updated_at metadata config status values interrupts".split(" "),
  },
  crons: {
    path: "/runs/crons/search",
    make: makeCrons,
    sorts: ["cron_id", "assistant_id", "thread_id", "next_run_date", "end_time", "created_at", "updated_at"],
    fields: "cron_id assistant_id thread_id schedule next_run_date end_time created_at updated_at enabled".split(" "),
  },
};

describe.each(Object.entries(SEARCHES))("a search of %s", (_, { path, make, sorts, fields }) => {
  it("sorts by every field there is, up and down, and the newest come first by themselves", async () => {
    const mark = crypto.randomUUID();
    await make(mark);
    const search = async (more: object): Promise<Row[]> => (await post(path, { metadata: { mark }, ...more })).json;
    const natural = (await search({})).map((row) => row.created_at);
    expect(natural).toEqual([...natural].sort().reverse());
    for (const sort_by of sorts) {
      const up = await search({ sort_by, sort_order: "asc" });
      const down = await search({ sort_by, sort_order: "desc" });
      expect(up).toHaveLength(3);
      const keys = (rows: Row[]) => rows.map((row) => row[sort_by] ?? "");
      expect([sort_by, keys(up)]).toEqual([sort_by, [...keys(up)].sort()]);
      expect([sort_by, keys(down)]).toEqual([sort_by, [...keys(down)].sort().reverse()]);
    }
    const refused = await post(path, { sort_by: "created_at; drop table run" });
    expect([refused.status, refused.json.detail]).toEqual([422, expect.stringContaining("sort_by")]);
    expect((await post(path, { sort_order: "sideways" })).status).toBe(422);
  });

  it("selects every field there is, and no other", async () => {
    const mark = crypto.randomUUID();
    await make(mark);
    for (const field of fields) {
      const rows: Row[] = (await post(path, { metadata: { mark }, select: [field] })).json;
      expect(rows).toHaveLength(3);
      for (const row of rows) expect(Object.keys(row)).toEqual([field]);
    }
    expect((await post(path, { select: ["secret"] })).status).toBe(422);
  });

  it.each([{ limit: 0 }, { limit: 1_001 }, { offset: -1 }, { limit: "many" }])("refuses a page of %j", async (page) => {
    expect((await post(path, page)).status).toBe(422);
  });
});

it("runs of a thread are listed with every field that can be selected, and a page of them", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("hi"), metadata: { m: 1 } });
  const fields = "run_id thread_id assistant_id created_at updated_at status metadata kwargs multitask_strategy";
  for (const field of fields.split(" ")) {
    const rows: Row[] = (await get(`/threads/${thread_id}/runs?select=${field}`)).json;
    expect(rows.map((row) => Object.keys(row))).toEqual([[field]]);
  }
  expect((await get(`/threads/${thread_id}/runs?select=secret`)).status).toBe(422);
  expect((await get(`/threads/${thread_id}/runs?status=asleep`)).status).toBe(422);
});

it("a cancelled run tells the reason that was given", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi"), afterSeconds: 600 });
  await client.runs.cancel(thread_id, run.run_id, true, "interrupt", { reason: "taken:by Ada" } as never);
  expect(await client.runs.get(thread_id, run.run_id)).toMatchObject({
    status: "interrupted",
    cancel_reason: "taken:by Ada",
  });
});

describe("modes in the query of a join", () => {
  const encodings = {
    repeated: "stream_mode=updates&stream_mode=tasks",
    "a JSON list": `stream_mode=${encodeURIComponent('["updates","tasks"]')}`,
    "a list with commas": "stream_mode=updates,tasks",
  };

  it.each(Object.entries(encodings))("may be %s", async (_, query) => {
    const client = connect();
    const { thread_id } = await client.threads.create();
    const options = { input: human("hi"), streamMode: ["values", "updates", "tasks"], streamResumable: true };
    const { run_id } = await client.runs.create(thread_id, "agent", options as never);
    await client.runs.join(thread_id, run_id);
    const answer = await get(`/threads/${thread_id}/runs/${run_id}/stream?${query}`, { "last-event-id": "-1" });
    const names = new Set(parseFrames(answer.text).map(({ event }) => event));
    names.delete("metadata");
    expect(names).toEqual(new Set(["updates", "tasks"]));
  });

  it("and its namespaces are those of subgraphs, with the empty text for the root", async () => {
    const client = connect();
    const { thread_id } = await client.threads.create();
    const options = { input: { trail: [] }, streamMode: ["updates"], streamSubgraphs: true, streamResumable: true };
    const { run_id } = await client.runs.create(thread_id, "nested", options as never);
    await client.runs.join(thread_id, run_id);
    const namesIn = async (query: string) => {
      const path = `/threads/${thread_id}/runs/${run_id}/stream?${query}`;
      const frames = parseFrames((await get(path, { "last-event-id": "-1" })).text);
      return new Set(
        frames.filter(({ event }) => event !== "metadata").map(({ event }) => event.replace(/:[\w-]+/g, "")),
      );
    };
    expect(await namesIn("namespace=")).toEqual(new Set(["updates"]));
    expect(await namesIn("namespace=gp_two")).toEqual(new Set(["updates|gp_two"]));
    expect(await namesIn(`namespace=&namespace=${encodeURIComponent("gp_two|p_two")}`)).toEqual(
      new Set(["updates", "updates|gp_two|p_two"]),
    );
  });
});

it("a drawing goes as deep as its xray says", async () => {
  const nodesAt = async (xray: string): Promise<string[]> =>
    (await get(`/assistants/nested/graph?xray=${xray}`)).json.nodes.map(({ id }: Row) => id);
  const [none, one, two, all] = await Promise.all(["false", "1", "2", "true"].map(nodesAt));
  expect(none).toContain("gp_two");
  expect(one).toContain("gp_two:p_two");
  expect(two).toContain("gp_two:p_two:c_two");
  expect(all).toEqual(two);
  expect(await nodesAt("0")).toEqual(none);
});

it("an older name for durability has its meaning", async () => {
  const client = connect();
  const count = async (more: object) => {
    const { thread_id } = await client.threads.create();
    await post(`/threads/${thread_id}/runs/wait`, { assistant_id: "agent", input: human("hi"), ...more });
    return (await client.threads.getHistory(thread_id)).length;
  };
  const [exit, kept] = [await count({ durability: "exit" }), await count({ durability: "sync" })];
  expect(exit).toBeLessThan(kept);
  expect(await count({ checkpoint_during: false })).toBe(exit);
  expect(await count({ checkpoint_during: true })).toBe(kept);
});

it("true and false in a query are said in several ways", async () => {
  const { thread_id } = (await post("/threads", { ttl: 60 })).json;
  const finished = (await post(`/threads/${thread_id}/runs`, { assistant_id: "agent", input: human("hi") })).json;
  const cancel = (wait: string) => post(`/threads/${thread_id}/runs/${finished.run_id}/cancel?wait=${wait}`);
  for (const wait of ["1", "true", "YES", "True"]) expect([wait, (await cancel(wait)).status]).toEqual([wait, 204]);
  for (const wait of ["0", "false", "no", "False"]) expect([wait, (await cancel(wait)).status]).toEqual([wait, 202]);
  expect((await cancel("perhaps")).status).toBe(422);
});

it("the project and the example of a tracer reach the graph's configuration", async () => {
  const langsmith_tracer = { project_name: "eval", example_id: "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21" };
  const answer = await post("/runs/wait", { assistant_id: "settings", input: {}, langsmith_tracer });
  expect(answer.json.seen.configurable).toMatchObject({
    langsmith_project: "eval",
    langsmith_example_id: langsmith_tracer.example_id,
  });
});

it("feedback keys stay with their run, and the namespaces of a new stream are those of its query", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const body = { assistant_id: "nested", input: { trail: [] }, stream_mode: ["updates"], stream_subgraphs: true };
  const answer = await post(`/threads/${thread_id}/runs/stream?namespace=`, { ...body, feedback_keys: ["score"] });
  const names = parseFrames(answer.text).map(({ event }) => event);
  expect(names).toEqual(["metadata", "updates", "updates"]);
  const [run] = await client.runs.list(thread_id);
  expect(run).toMatchObject({ kwargs: { feedback_keys: ["score"] } });
});

it("an assistant that calls itself the server's own is as anybody's: it can be deleted", async () => {
  const { json: made } = await post("/assistants", { graph_id: "agent", metadata: { created_by: "system", mine: 1 } });
  expect(made.metadata.mine).toBe(1);
  expect((await send("DELETE", `${server.url}/assistants/${made.assistant_id}`)).status).toBe(204);
});
