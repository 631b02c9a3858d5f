// Long-term memory through the official clients: items, searches by filter and by meaning, and the same items seen by graphs.
import { expect, test } from "vitest";
import { sdkTests, useServer } from "../harness/sdk-test.ts";

const server = useServer({
  graphs: ["memory"],
  content: {
    store: {
      index: { dims: 26, embed: "./memory.ts:embed", fields: ["text"] },
      ttl: { default_ttl: 60, refresh_on_read: false, sweep_interval_minutes: 0.001 },
    },
  },
});
const storeTest = sdkTests(server, "store:");

/** Every test has its own corner. */
let corners = 0;
const corner = () => `corner-${++corners}`;

storeTest("an item is put, read, replaced and deleted", async ({ client }) => {
  const namespace = [corner(), "a,b|c%ä"];
  await client.store.putItem(namespace, "k/1 ?", { theme: "dark", deep: [1, { x: null }] });
  const item = await client.store.getItem(namespace, "k/1 ?");
  expect(item).toMatchObject({ namespace, key: "k/1 ?", value: { theme: "dark", deep: [1, { x: null }] } });
  expect(Date.parse(item!.createdAt)).toBeGreaterThan(Date.now() - 60_000);
  await client.store.putItem(namespace, "k/1 ?", { theme: "light" });
  const replaced = await client.store.getItem(namespace, "k/1 ?");
  expect(replaced).toMatchObject({ value: { theme: "light" }, createdAt: item!.createdAt });
  await client.store.deleteItem(namespace, "k/1 ?");
  expect(await client.store.getItem(namespace, "k/1 ?")).toBeNull();
  await client.store.deleteItem(namespace, "k/1 ?");
});

storeTest("searches go by prefix, filter and page, the last changed first", async ({ client }) => {
  const root = corner();
  for (let n = 0; n < 5; n++) await client.store.putItem([root, `sub-${n % 2}`], `k${n}`, { n });
  const keysOf = async (...args: Parameters<typeof client.store.searchItems>) =>
    (await client.store.searchItems(...args)).items.map(({ key }) => key);
  expect(await keysOf([root])).toEqual(["k4", "k3", "k2", "k1", "k0"]);
  expect(await keysOf([root, "sub-1"])).toEqual(["k3", "k1"]);
  expect(await keysOf([root], { filter: { n: { $gte: 1, $lt: 4 } } })).toEqual(["k3", "k2", "k1"]);
  expect(await keysOf([root], { filter: { n: 2 } })).toEqual(["k2"]);
  expect(await keysOf([root], { limit: 2, offset: 1 })).toEqual(["k3", "k2"]);
});

storeTest("namespaces are listed by prefix, suffix and depth", async ({ client }) => {
  const root = corner();
  for (const rest of [
    ["a", "x"],
    ["b", "x"],
    ["b", "y"],
  ])
    await client.store.putItem([root, ...rest], "k", {});
  const list = async (options: Parameters<typeof client.store.listNamespaces>[0]) =>
    (await client.store.listNamespaces({ prefix: [root], ...options })).namespaces.map((labels) => labels.slice(1));
  expect(await list({})).toEqual([
    ["a", "x"],
    ["b", "x"],
    ["b", "y"],
  ]);
  expect(await list({ suffix: ["x"] })).toEqual([
    ["a", "x"],
    ["b", "x"],
  ]);
  expect(await list({ prefix: [root, "*", "y"] })).toEqual([["b", "y"]]);
  expect(await list({ maxDepth: 2 })).toEqual([["a"], ["b"]]);
});

storeTest("the nearest in meaning come first, with their score", async ({ client }) => {
  const namespace = [corner()];
  await client.store.putItem(namespace, "far", { text: "zzz" });
  await client.store.putItem(namespace, "near", { text: "cab" });
  await client.store.putItem(namespace, "unindexed", { text: "abc" }, { index: false });
  const { items } = await client.store.searchItems(namespace, { query: "abc" });
  expect(items.map(({ key, score }) => [key, score === null ? null : Math.round(score! * 1_000)])).toEqual([
    ["near", 1_000],
    ["far", 0],
    ["unindexed", null],
  ]);
});

storeTest("graphs and clients see the same items", async ({ client }) => {
  const user = corner();
  await client.store.putItem(["notes", user], "from-client", { text: "zoo" });
  const first = (await client.runs.wait(null, "memory", { input: { user, note: "cab" } })) as { found: object[] };
  expect(first.found).toHaveLength(2);
  expect(await client.store.getItem(["notes", user], "note-3")).toMatchObject({ value: { text: "cab", by: "graph" } });
  const asked = await client.runs.wait(null, "memory", { input: { user, note: null, ask: "abc" } });
  expect(asked).toMatchObject({ found: [{ key: "note-3" }, { key: "from-client" }] });
});

storeTest("an item lives as long as it was given, else as long as the project says", async ({ client }) => {
  const namespace = [corner()];
  const rowOf = async (key: string) => {
    const { rows } = await server.database.pool.query<{ minutes: number | null }>(
      "select (extract(epoch from expires_at - now()) / 60)::float8 as minutes from store_item where namespace = $1 and key = $2",
      [namespace, key],
    );
    return rows[0];
  };
  await client.store.putItem(namespace, "default", {});
  await client.store.putItem(namespace, "forever", {}, { ttl: null });
  expect((await rowOf("default"))!.minutes).toBeCloseTo(60, 0);
  expect((await rowOf("forever"))!.minutes).toBeNull();
  await client.store.putItem(namespace, "short", {}, { ttl: 0.002 });
  await expect.poll(() => client.store.getItem(namespace, "short")).toBeNull();
  // The sweep removes the row itself.
  await expect.poll(() => rowOf("short")).toBeUndefined();
});

test("reading moves the expiry only where it is wished", async () => {
  const pool = server.database.pool;
  const put = { namespace: ["refresh"], key: "k", value: {}, ttl: 10 };
  await fetch(`${server.url}/store/items`, { method: "PUT", body: JSON.stringify(put) });
  const expiry = async () =>
    (await pool.query("select expires_at from store_item where namespace = '{refresh}'")).rows[0].expires_at.getTime();
  const before = await expiry();
  await fetch(`${server.url}/store/items?namespace=refresh&key=k`);
  expect(await expiry()).toBe(before);
  await fetch(`${server.url}/store/items?namespace=refresh&key=k&refresh_ttl=true`);
  expect(await expiry()).toBeGreaterThan(before);
});
