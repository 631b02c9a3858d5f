// Proves that the store graphs use answers as LangGraph's in-memory store does, on a real PostgreSQL.
import { InMemoryStore, type Operation } from "@langchain/langgraph-checkpoint";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { InvalidRequestError } from "../../domain/errors.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { PostgresStore } from "./postgres-store.ts";
import { PostgresStoreRepository } from "./store-repository.ts";

let database: TestDatabase;
let store: PostgresStore;
beforeAll(async () => {
  database = await openTestDatabase();
  store = new PostgresStore(new PostgresStoreRepository(database.pool));
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate store_item cascade"));

test("puts, gets, replaces and deletes", async () => {
  await store.put(["users", "1"], "prefs", { theme: "dark", nested: { list: [1, null, "Ω 🦕"] } });
  const item = await store.get(["users", "1"], "prefs");
  expect(item).toMatchObject({
    namespace: ["users", "1"],
    key: "prefs",
    value: { theme: "dark", nested: { list: [1, null, "Ω 🦕"] } },
  });
  await store.put(["users", "1"], "prefs", { theme: "light" });
  const replaced = await store.get(["users", "1"], "prefs");
  expect(replaced!.value).toEqual({ theme: "light" });
  expect(replaced!.createdAt).toEqual(item!.createdAt);
  expect(replaced!.updatedAt.getTime()).toBeGreaterThan(item!.updatedAt.getTime());
  await store.delete(["users", "1"], "prefs");
  await store.delete(["users", "1"], "prefs");
  expect(await store.get(["users", "1"], "prefs")).toBeNull();
});

test("a batch reads before it writes, keeps the order of results, and lets the last write win", async () => {
  await store.put(["a"], "old", { n: 1 });
  const results = await store.batch([
    { namespace: ["a"], key: "new", value: { n: 1 } },
    { namespace: ["a"], key: "new" },
    { namespace: ["a"], key: "old" },
    { namespacePrefix: ["a"] },
    { namespace: ["a"], key: "new", value: { n: 2 } },
    { namespace: ["a"], key: "old", value: null },
    { matchConditions: undefined, limit: 10, offset: 0 },
    { namespace: ["a"], key: "gone", value: { n: 3 } },
    { namespace: ["a"], key: "gone", value: null },
  ] as const satisfies Operation[]);
  expect(results[1]).toBeNull();
  expect(results[2]).toMatchObject({ value: { n: 1 } });
  expect(results[3]).toHaveLength(1);
  expect(results[6]).toEqual([["a"]]);
  expect(await store.get(["a"], "new")).toMatchObject({ value: { n: 2 } });
  expect(await store.get(["a"], "old")).toBeNull();
  expect(await store.get(["a"], "gone")).toBeNull();
  expect(await store.batch([])).toEqual([]);
});

test("a prefix means whole labels, whatever characters they hold", async () => {
  const labels = ["a", "a!", "aa", "a\u0001", "b", "A", "ä", "{", '"', "\\", ",", "NULL", " "];
  for (const label of labels) {
    await store.put([label], "k", { label });
    await store.put([label, "below"], "k", { label });
  }
  for (const label of labels) {
    const found = await store.search([label], { limit: 50 });
    expect(found.map((item) => item.namespace)).toEqual(expect.arrayContaining([[label], [label, "below"]]));
    expect(found).toHaveLength(2);
  }
  expect(await store.search([], { limit: 100 })).toHaveLength(labels.length * 2);
});

test("the last changed come first; pages have no gap or repeat", async () => {
  for (let n = 0; n < 9; n++) await store.put(["list"], `k${n}`, { n });
  await store.put(["list"], "k3", { n: "again" });
  const keys = async (limit: number, offset: number) =>
    (await store.search(["list"], { limit, offset })).map((item) => item.key);
  expect(await keys(3, 0)).toEqual(["k3", "k8", "k7"]);
  expect([...(await keys(5, 0)), ...(await keys(5, 5))].sort()).toEqual(Array.from({ length: 9 }, (_, n) => `k${n}`));
});

const labels = fc.constantFrom("a", "b", "c");
const namespaces = fc.array(labels, { minLength: 1, maxLength: 3 });
const fieldValues = fc.constantFrom<unknown>(0, 1, 2, 2.5, -1, "x", "y", true, false, null);
const itemValues = fc.dictionary(fc.constantFrom("f", "g"), fieldValues, { noNullPrototype: true });
const filters = fc.dictionary(
  fc.constantFrom("f", "g"),
  fc.oneof(
    fieldValues,
    fc.record({ $eq: fieldValues }),
    fc.record({ $ne: fieldValues }),
    fc.record({ $in: fc.array(fieldValues, { maxLength: 2 }) }),
    fc.record({ $nin: fc.array(fieldValues, { maxLength: 2 }) }),
  ),
  { noNullPrototype: true },
);
const items = fc.array(fc.record({ namespace: namespaces, key: labels, value: itemValues }), { maxLength: 12 });

async function fillBoth(entries: { namespace: string[]; key: string; value: object }[]): Promise<InMemoryStore> {
  await database.pool.query("truncate store_item cascade");
  const memory = new InMemoryStore();
  for (const { namespace, key, value } of entries) {
    await memory.put(namespace, key, value);
    await store.put(namespace, key, value);
  }
  return memory;
}

test("searches find what the in-memory store finds", async () => {
  const query = fc.record({ prefix: fc.array(labels, { maxLength: 2 }), filter: filters });
  await fc.assert(
    fc.asyncProperty(items, fc.array(query, { minLength: 3, maxLength: 6 }), async (entries, queries) => {
      const memory = await fillBoth(entries);
      for (const { prefix, filter } of queries) {
        const addresses = (found: { namespace: string[]; key: string }[]) =>
          found.map((item) => `${item.namespace.join("/")}:${item.key}`).sort();
        const expected = await memory.search(prefix, { filter, limit: 100 });
        expect(addresses(await store.search(prefix, { filter, limit: 100 }))).toEqual(addresses(expected));
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("namespaces are listed as the in-memory store lists them", async () => {
  const path = fc.option(fc.array(fc.constantFrom("a", "b", "c", "*"), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  });
  const query = fc.record({
    prefix: path,
    suffix: path,
    maxDepth: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(items, fc.array(query, { minLength: 3, maxLength: 6 }), async (entries, queries) => {
      const memory = await fillBoth(entries);
      for (const options of queries) {
        const sorted = (found: string[][]) => found.map((namespace) => namespace.join("/")).sort();
        const actual = await store.listNamespaces(options);
        expect(sorted(actual)).toEqual(sorted(await memory.listNamespaces(options)));
        const paged = [
          ...(await store.listNamespaces({ ...options, limit: 2, offset: 0 })),
          ...(await store.listNamespaces({ ...options, limit: 100, offset: 2 })),
        ];
        expect(paged).toEqual(actual);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("several conditions on namespaces must all hold", async () => {
  for (const namespace of [
    ["a", "b", "c"],
    ["a", "x", "c"],
    ["a", "b", "d"],
    ["b", "c"],
  ])
    await store.put(namespace, "k", {});
  const matchConditions = [
    { matchType: "prefix", path: ["a"] },
    { matchType: "prefix", path: ["*", "b"] },
    { matchType: "suffix", path: ["c"] },
  ] as const;
  const [found] = await store.batch([
    {
      matchConditions: matchConditions.map(({ matchType, path }) => ({ matchType, path: [...path] })),
      limit: 10,
      offset: 0,
    },
  ]);
  expect(found).toEqual([["a", "b", "c"]]);
});

test.each([
  [{ n: { $gt: 2 } }, ["three"]],
  [{ n: { $gte: 2, $lt: 3 } }, ["two"]],
  [{ n: { $lte: -1e300 } }, []],
  [{ at: { $gte: "2026-01-02" } }, ["two", "three"]],
  [{ at: { $lt: "2026-01-02T00:00:00Z" } }, ["one"]],
  [{ o: { a: 1, b: [2] } }, ["one"]],
  [{ o: { a: 1 } }, []],
  [{ missing: { $ne: 1 } }, ["one", "two", "three"]],
  [{ missing: null }, []],
])("filter %j", async (filter, expected) => {
  await store.put(["f"], "one", { n: 1, at: "2026-01-01T10:00:00Z", o: { b: [2], a: 1 } });
  await store.put(["f"], "two", { n: 2, at: "2026-01-02T10:00:00Z" });
  await store.put(["f"], "three", { n: 3, at: "2026-01-03T10:00:00Z" });
  await store.put(["f"], "text", { n: "9", at: 5, missing: 1 });
  const found = await store.search(["f"], { filter });
  expect(found.map((item) => item.key).sort()).toEqual([...expected].sort());
});

test("what cannot be compared or stored is the caller's mistake", async () => {
  await expect(store.search(["f"], { filter: { n: { $gt: null } } })).rejects.toThrow(InvalidRequestError);
  await expect(store.search(["f"], { filter: { n: { $in: 1 } } })).rejects.toThrow(InvalidRequestError);
  await expect(store.search(["f"], { filter: { n: { $near: 1 } } })).rejects.toThrow(/"\$near" is none of \$eq, \$ne/);
  await expect(store.put(["f"], "k", { text: "\u0000" })).rejects.toThrow(InvalidRequestError);
  await expect(store.put(["f"], "k\u0000", {})).rejects.toThrow(InvalidRequestError);
  await expect(store.put(["f"], "k".repeat(5_000_000), {})).rejects.toThrow(InvalidRequestError);
  await expect(store.put([], "k", {})).rejects.toThrow("Namespace cannot be empty");
});

test("writers of the same items in opposite order all come through", async () => {
  const entries = Array.from({ length: 30 }, (_, n) => ({ namespace: ["shared"], key: `k${n}`, value: { n } }));
  await Promise.all(Array.from({ length: 10 }, (_, n) => store.batch(n % 2 ? entries : entries.toReversed())));
  expect(await store.search(["shared"], { limit: 100 })).toHaveLength(30);
});
