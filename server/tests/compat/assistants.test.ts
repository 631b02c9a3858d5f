// Assistants through both lines of the official client.
import { expect, it } from "vitest";
import { systemAssistantId } from "../../src/domain/ids.ts";
import { openTestDatabase } from "../../src/postgres/testing/test-database.ts";
import { send, UNKNOWN_ID } from "../harness/plain-http.ts";
import { SDK_LINES, type SdkClient } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { startTestServer } from "../harness/test-server.ts";

const server = useServer({ graphs: ["agent", "nested", "settings", "factory"] });
const assistants = sdkTests(server, "assistants");

assistants("are there for each graph, under an id made from its name", async ({ client }) => {
  const assistant = await client.assistants.get("agent");
  expect(assistant).toMatchObject({
    assistant_id: "fe096781-5601-53d2-b2f6-0d3403f7e9ca",
    graph_id: "agent",
    name: "agent",
    description: "Answers, and looks things up",
    metadata: { created_by: "system" },
    version: 1,
  });
  expect(await client.assistants.get(systemAssistantId("nested"))).toMatchObject({ graph_id: "nested" });
});

assistants("are created with what is given, and with defaults for the rest", async ({ client }) => {
  const plain = await client.assistants.create({ graphId: "agent" });
  expect(plain).toMatchObject({ name: "Untitled", description: null, version: 1, config: {}, metadata: {} });
  expect(plain.created_at).toMatch(/^\d{4}-\d\d-\d\dT/);
  const full = await client.assistants.create({
    graphId: "agent",
    name: "Polite",
    description: "says please",
    config: { tags: ["t"], recursion_limit: 7, configurable: { a: 1 } },
    metadata: { team: "blue" },
  });
  expect(full).toMatchObject({
    name: "Polite",
    description: "says please",
    config: { tags: ["t"], recursion_limit: 7, configurable: { a: 1 } },
    metadata: { team: "blue" },
  });
  expect(await client.assistants.get(full.assistant_id)).toEqual(full);
});

assistants("keep context and configuration apart", async ({ client }) => {
  const made = await client.assistants.create({ graphId: "settings", context: { tone: "dry" } });
  expect(made.context).toEqual({ tone: "dry" });
  const result = (await client.runs.wait(null, made.assistant_id, { input: {} })) as { seen: { context: unknown } };
  expect(result.seen.context).toEqual({ tone: "dry" });
});

assistants("are not created twice: conflict, or the one that exists", async ({ client }) => {
  const assistantId = crypto.randomUUID();
  const first = await client.assistants.create({ graphId: "agent", assistantId, name: "first" });
  const again = client.assistants.create({ graphId: "agent", assistantId, name: "second" });
  await expect(again).rejects.toThrow(/HTTP 409.*Assistant already exists/s);
  const same = await client.assistants.create({
    graphId: "agent",
    assistantId,
    ifExists: "do_nothing",
    name: "third",
  });
  expect(same).toEqual(first);
});

assistants("need a graph that exists", async ({ client }) => {
  await expect(client.assistants.create({ graphId: "no_such_graph" })).rejects.toThrow(/HTTP 404.*no_such_graph/s);
});

assistants("are found by metadata, graph and part of the name, sorted and paged", async ({ client }) => {
  const mark = crypto.randomUUID();
  for (const name of ["beta one", "Alpha", "beta two"]) {
    await client.assistants.create({ graphId: "agent", name, metadata: { mark, nested: { name } } });
  }
  await client.assistants.create({ graphId: "nested", name: "other", metadata: { mark } });
  const search = async (query: Parameters<SdkClient["assistants"]["count"]>[0] & object, more: object = {}) =>
    (await client.assistants.search({ ...query, metadata: { mark, ...query.metadata }, ...more })).map((a) => a.name);
  expect(await search({})).toEqual(["other", "beta two", "Alpha", "beta one"]);
  expect(await search({ graphId: "nested" })).toEqual(["other"]);
  expect(await search({ metadata: { nested: { name: "Alpha" } } })).toEqual(["Alpha"]);
  expect(await search({ name: "BETA" }, { sortBy: "name", sortOrder: "asc" })).toEqual(["beta one", "beta two"]);
  expect(await search({}, { sortBy: "created_at", sortOrder: "asc", limit: 2, offset: 1 })).toEqual([
    "Alpha",
    "beta two",
  ]);
  expect(await client.assistants.count({ metadata: { mark } })).toBe(4);
  expect(await client.assistants.count({ metadata: { mark }, graphId: "nested" })).toBe(1);
  expect(await client.assistants.count({ metadata: { mark }, name: "beta" })).toBe(2);
  expect(await search({ name: "100% sure_" })).toEqual([]);
});

assistants("are searched with the selected fields only", async ({ client, version }) => {
  const { assistant_id } = await client.assistants.create({ graphId: "agent", metadata: { pick: version } });
  const found = await client.assistants.search({ metadata: { pick: version }, select: ["assistant_id", "name"] });
  expect(found).toEqual([{ assistant_id, name: "Untitled" }]);
});

assistants("get a new version with each update, merge metadata and replace configuration", async ({ client }) => {
  const { assistant_id: id } = await client.assistants.create({
    graphId: "agent",
    config: { configurable: { a: 1 } },
    metadata: { one: 1, deep: { x: 1 } },
  });
  const second = await client.assistants.update(id, {
    graphId: "nested",
    config: { configurable: { b: 2 } },
    metadata: { two: 2, deep: { y: 1 } },
    name: "renamed",
  });
  expect(second).toMatchObject({ version: 2, graph_id: "nested", name: "renamed" });
  expect(second.config).toEqual({ configurable: { b: 2 } });
  expect(second.metadata).toEqual({ one: 1, two: 2, deep: { y: 1 } });
  expect(await client.assistants.update(id, {})).toMatchObject({ version: 3, name: "renamed" });

  const versions = await client.assistants.getVersions(id);
  expect(versions.map(({ version: number }) => number)).toEqual([3, 2, 1]);
  expect(versions[2]).toMatchObject({ graph_id: "agent", config: { configurable: { a: 1 } } });
  expect((await client.assistants.getVersions(id, { limit: 1, offset: 1 })).map((v) => v.version)).toEqual([2]);

  const back = await client.assistants.setLatest(id, 1);
  expect(back).toMatchObject({ version: 1, graph_id: "agent", config: { configurable: { a: 1 } }, name: "Untitled" });
  expect(await client.assistants.get(id)).toMatchObject({ version: 1, graph_id: "agent" });
  expect(await client.assistants.update(id, { name: "fourth" })).toMatchObject({ version: 4, graph_id: "agent" });
  await expect(client.assistants.setLatest(id, 99)).rejects.toThrow("HTTP 404");
});

assistants("are gone with all versions once deleted, also as an answer to what asks for them", async ({ client }) => {
  const { assistant_id: id } = await client.assistants.create({ graphId: "agent" });
  await client.assistants.delete(id);
  await expect(client.assistants.get(id)).rejects.toThrow(/HTTP 404.*Assistant not found/);
  await expect(client.assistants.update(id, { name: "x" })).rejects.toThrow(/HTTP 404.*Assistant not found/);
  await expect(client.assistants.delete(id)).rejects.toThrow(/HTTP 404.*Assistant not found/);
  await expect(client.assistants.getVersions(id)).rejects.toThrow(/HTTP 404.*not found\./);
  await expect(client.runs.wait(null, id)).rejects.toThrow(`No assistant found for \\"${id}\\"`);
});

assistants("draw their graph, with subgraphs where asked", async ({ client }) => {
  const flat = await client.assistants.getGraph("nested");
  expect(flat.nodes.map(({ id }) => id)).toEqual(["__start__", "gp_one", "gp_two", "__end__"]);
  expect(flat.edges).toContainEqual(expect.objectContaining({ source: "gp_one", target: "gp_two" }));
  const deep = (await client.assistants.getGraph("nested", { xray: true })).nodes.map(({ id }) => id);
  expect(deep).toContain("gp_two:p_two:c_one");
  expect(deep).not.toContain("gp_two");
});

assistants("tell their schemas", async ({ client }) => {
  const schemas = await client.assistants.getSchemas("agent");
  expect(schemas.graph_id).toBe("agent");
  for (const schema of [schemas.input_schema, schemas.output_schema, schemas.state_schema]) {
    expect(schema).toMatchObject({ type: "object", properties: { messages: {}, notes: {} } });
  }
  const { config_schema, context_schema } = await client.assistants.getSchemas("settings");
  expect(config_schema).toMatchObject({ properties: { tone: {} } });
  expect(context_schema).toEqual(config_schema);
});

assistants("tell their subgraphs, one level or all, by namespace too", async ({ client }) => {
  expect(Object.keys(await client.assistants.getSubgraphs("nested"))).toEqual(["gp_two"]);
  const all = await client.assistants.getSubgraphs("nested", { recurse: true });
  expect(Object.keys(all)).toEqual(["gp_two", "gp_two|p_two"]);
  expect(all.gp_two).toMatchObject({
    state: { properties: { trail: {} } },
    state_schema: { properties: { trail: {} } },
  });
  const inner = await client.assistants.getSubgraphs("nested", { namespace: "gp_two|p_two", recurse: true });
  expect(Object.keys(inner)).toEqual(["gp_two|p_two"]);
});

assistants("draw and describe a factory with their own configuration", async ({ client }) => {
  const { assistant_id } = await client.assistants.create({
    graphId: "factory",
    config: { configurable: { node: "special" } },
  });
  const { nodes } = await client.assistants.getGraph(assistant_id);
  expect(nodes.map(({ id }) => id)).toContain("special");
});

it("pages carry the true total and the next offset", async () => {
  const metadata = { paged: crypto.randomUUID() };
  for (let count = 0; count < 3; count++)
    await send("POST", `${server.url}/assistants`, { graph_id: "agent", metadata });
  const page = (body: object) => send("POST", `${server.url}/assistants/search`, { metadata, ...body });
  const first = await page({ limit: 2 });
  expect([first.headers.get("x-pagination-total"), first.headers.get("x-pagination-next")]).toEqual(["3", "2"]);
  const last = await page({ limit: 2, offset: 2 });
  expect([last.headers.get("x-pagination-total"), last.headers.get("x-pagination-next")]).toEqual(["3", null]);
  const sdk = SDK_LINES[0]!.connect(server.url);
  const withPage = await sdk.assistants.search({ metadata, limit: 1, includePagination: true });
  expect(withPage).toMatchObject({ next: "1", assistants: [{ graph_id: "agent" }] });
});

it("delete_threads takes the assistant's threads along", async () => {
  const { json } = await send("POST", `${server.url}/assistants`, { graph_id: "agent" });
  const kept = (await send("POST", `${server.url}/threads`, {})).json;
  const { json: thread } = await send("POST", `${server.url}/threads`, {
    metadata: { assistant_id: json.assistant_id },
  });
  await send("DELETE", `${server.url}/assistants/${json.assistant_id}?delete_threads=true`);
  expect((await send("GET", `${server.url}/threads/${thread.thread_id}`)).status).toBe(404);
  expect((await send("GET", `${server.url}/threads/${kept.thread_id}`)).status).toBe(200);
});

it("the version to make latest may come in the query or in the body", async () => {
  const { json } = await send("POST", `${server.url}/assistants`, { graph_id: "agent" });
  await send("PATCH", `${server.url}/assistants/${json.assistant_id}`, { name: "second" });
  const latest = `${server.url}/assistants/${json.assistant_id}/latest`;
  expect((await send("POST", `${latest}?version=1`)).json).toMatchObject({ version: 1 });
  expect((await send("POST", latest, { version: 2 })).json).toMatchObject({ version: 2, name: "second" });
});

it("schemas are given to a GET that announces an empty JSON body", async () => {
  const answer = await fetch(`${server.url}/assistants/agent/schemas`, {
    headers: { "content-type": "application/json" },
  });
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
});

it.each([
  ["GET", "/assistants/nope"],
  ["GET", `/assistants/${UNKNOWN_ID}`],
  ["PATCH", `/assistants/${UNKNOWN_ID}`],
  ["DELETE", `/assistants/${UNKNOWN_ID}`],
  ["GET", `/assistants/${UNKNOWN_ID}/graph`],
  ["GET", `/assistants/${UNKNOWN_ID}/schemas`],
  ["GET", `/assistants/${UNKNOWN_ID}/subgraphs`],
])("%s %s of an unknown assistant is 404", async (method, path) => {
  const answer = await send(method, server.url + path, method === "PATCH" ? {} : undefined);
  expect([answer.status, answer.json]).toEqual([404, expect.objectContaining({ detail: "Assistant not found" })]);
});

it("begin with what LANGGRAPH_CONFIG says of their graph, and keep what is changed later", async () => {
  const database = await openTestDatabase();
  const open = (language: string) =>
    startTestServer({
      graphs: ["settings"],
      database,
      env: {
        LANGGRAPH_CONFIG: JSON.stringify({
          settings: { configurable: { language }, recursion_limit: 7, context: { team: "ours" } },
        }),
      },
    });
  try {
    for (const language of ["de", "en"]) {
      await using started = await open(language);
      const assistant = await SDK_LINES[0]!.connect(started.url).assistants.get("settings");
      expect(assistant).toMatchObject({
        config: { configurable: { language: "de" }, recursion_limit: 7 },
        context: { team: "ours" },
      });
    }
  } finally {
    await database.close();
  }
});
