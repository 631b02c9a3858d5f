// The store through both lines of the official client, and shared with graphs.
import { expect, it } from "vitest";
import { send } from "../harness/plain-http.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["remember"] });
const store = sdkTests(server, "the store");

/** A namespace of this test's own. */
const own = (): string[] => ["tests", crypto.randomUUID()];

store("keeps an item, replaces its value and keeps its birth", async ({ client }) => {
  const namespace = own();
  await client.store.putItem(namespace, "k", { n: 1 });
  const first = await client.store.getItem(namespace, "k");
  expect(first).toMatchObject({ namespace, key: "k", value: { n: 1 } });
  await client.store.putItem(namespace, "k", { n: 2 });
  const second = await client.store.getItem(namespace, "k");
  expect(second!.value).toEqual({ n: 2 });
  expect(Date.parse(second!.updatedAt as never)).toBeGreaterThanOrEqual(Date.parse(first!.updatedAt as never));
  await client.store.deleteItem(namespace, "k");
  expect(await client.store.getItem(namespace, "k")).toBeNull();
  await client.store.deleteItem(namespace, "k");
});

store("finds items under a prefix, filtered, newest first, in pages", async ({ client }) => {
  const namespace = own();
  for (const [key, n] of [
    ["a", 1],
    ["b", 2],
    ["c", 3],
  ] as const) {
    await client.store.putItem([...namespace, key], "item", { n, kind: n > 1 ? "big" : "small", empty: {} });
  }
  const search = async (options: object) =>
    (await client.store.searchItems(namespace, options)).items.map(({ value }) => value.n);
  expect(await search({})).toEqual([3, 2, 1]);
  expect(await search({ limit: 1, offset: 1 })).toEqual([2]);
  expect(await search({ filter: { kind: "big" } })).toEqual([3, 2]);
  expect(await search({ filter: { n: { $gte: 2, $lt: 3 } } })).toEqual([2]);
  expect(await search({ filter: { n: { $ne: 2 } } })).toEqual([3, 1]);
  expect(await search({ filter: { n: { $eq: 2 } } })).toEqual([2]);
  expect(await search({ filter: { n: { $gt: 2 } } })).toEqual([3]);
  expect(await search({ filter: { n: { $lte: 2 }, kind: "small" } })).toEqual([1]);
  expect(await search({ filter: { empty: {} } })).toEqual([3, 2, 1]);
  expect(await search({ filter: { kind: {} } })).toEqual([]);
  await expect(search({ filter: { n: { $near: 2 } } })).rejects.toThrow(/422.*\$near.*\$eq, \$ne/s);
  await expect(search({ filter: { n: { $gt: 2, step: 1 } } })).rejects.toThrow(/422.*step/s);
  expect((await client.store.searchItems([...namespace, "b"])).items).toHaveLength(1);
});

store("lists namespaces by prefix, suffix and depth", async ({ client }) => {
  const [root, id] = own() as [string, string];
  for (const path of [
    ["x", "notes"],
    ["x", "files"],
    ["y", "notes"],
  ]) {
    await client.store.putItem([root, id, ...path], "k", {});
  }
  const list = async (options: object) =>
    (await client.store.listNamespaces({ prefix: [root, id], ...options })).namespaces.map((each) =>
      each.slice(2).join("/"),
    );
  expect((await list({})).sort()).toEqual(["x/files", "x/notes", "y/notes"]);
  expect((await list({ suffix: ["notes"] })).sort()).toEqual(["x/notes", "y/notes"]);
  expect((await list({ prefix: [root, "*", "x"] })).filter((path) => path === "x/files")).not.toHaveLength(0);
  expect((await list({ suffix: ["x", "*"] })).sort()).toEqual(["x/files", "x/notes"]);
  expect(await list({ limit: 1, offset: 1 })).toHaveLength(1);
  expect((await list({ maxDepth: 3 })).sort()).toEqual(["x", "y"]);
});

store("is the one that graphs read and write", async ({ client }) => {
  const user = crypto.randomUUID();
  const ask = (fact: string) =>
    client.runs.wait(null, "remember", { input: { fact }, config: { configurable: { user } } });
  expect(await ask("likes tea")).toMatchObject({ known: [] });
  expect(await ask("has a cat")).toMatchObject({ known: ["likes tea"] });
  const { items } = await client.store.searchItems(["facts", user]);
  expect(items.map(({ value }) => value.fact)).toEqual(["has a cat", "likes tea"]);
  await client.store.deleteItem(["facts", user], items[0]!.key);
  expect(await ask("reads")).toMatchObject({ known: ["likes tea"] });
});

it("refuses namespaces that cannot be told apart", async () => {
  const put = (namespace: unknown) =>
    send("PUT", `${server.url}/store/items`, { namespace, key: "k", value: {} }).then(({ status }) => status);
  expect(await put(["a.b"])).toBe(422);
  expect(await put([""])).toBe(422);
  expect(await put([])).toBe(400);
  expect(await put(["fine"])).toBe(204);
  const missing = await send("GET", `${server.url}/store/items?namespace=fine&key=missing`);
  expect([missing.status, missing.json]).toEqual([200, null]);
});
