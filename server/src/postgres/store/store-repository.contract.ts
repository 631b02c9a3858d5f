// What every way of searching the store must do: rules in SQL, expiry, and search by meaning, on a real database.
import type { Pool } from "pg";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BadRequestError, ForbiddenError, NotFoundError } from "../../domain/errors.ts";
import type { EmbeddingIndexOptions } from "./embedding-index.ts";
import { PostgresStoreRepository } from "./store-repository.ts";

export interface StoreDatabase {
  readonly pool: Pool;
  close(): Promise<void>;
}

const SEARCHES = ["plain", "exact", "indexed"] as const;
export type ExpectedSearch = (typeof SEARCHES)[number];

let database: StoreDatabase;
let store: PostgresStoreRepository;
let ann: EmbeddingIndexOptions["ann"];
let expectedSearch: ExpectedSearch;

/** Declares the suite. @param search how a search by meaning must be carried out, once the store has seen to its index */
export function testStoreRepository(search: ExpectedSearch, open: () => Promise<StoreDatabase>): void {
  beforeAll(async () => {
    database = await open();
    store = new PostgresStoreRepository(database.pool);
    expectedSearch = search;
    ann = { kind: search === "indexed" ? "hnsw" : "flat" };
  });
  afterAll(() => database?.close());
  beforeEach(() => database.pool.query("truncate store_item cascade"));
  testRules();
  testExpiry();
  testMeaning();
}

/** A store with an index that is ready for use. */
async function openSemantic(index: Omit<EmbeddingIndexOptions, "ann">): Promise<PostgresStoreRepository> {
  const semantic = new PostgresStoreRepository(database.pool, { index: { ...index, ...(ann && { ann }) } });
  await semantic.vectorIndex!.keep(database.pool);
  expect(await semantic.vectorIndex!.current()).toBe(expectedSearch);
  return semantic;
}

const ownedBy = (owner: string) => ({ equals: { key: "owner", value: owner } });
const page = { namespacePrefix: [], limit: 100, offset: 0 };

async function minutesLeft(key: string): Promise<number | null> {
  const { rows } = await database.pool.query<{ minutes: string | null }>(
    "select round(extract(epoch from expires_at - now()) / 60, 1) as minutes from store_item where key = $1",
    [key],
  );
  const minutes = rows[0]!.minutes;
  return minutes === null ? null : Math.round(Number(minutes));
}

/** Vectors by hand: what matters is the angle between texts. */
const angles: Record<string, number> = { cat: 0, kitten: 10, dog: 60, car: 180, "a pet": 20 };
const embed = (text: string) => {
  const angle = ((angles[text] ?? 90) * Math.PI) / 180;
  return [3 * Math.cos(angle), 3 * Math.sin(angle)];
};
const embeddings = {
  embedQuery: vi.fn(async (text: string) => embed(text)),
  embedDocuments: vi.fn(async (texts: string[]) => texts.map(embed)),
};

function testRules(): void {
  test("no verb reaches across a rule on the value", async () => {
    await store.putItem({ namespace: ["n"], key: "k", value: { owner: "a", v: 1 } });
    const other = ownedBy("b");
    expect(await store.getItem(["n"], "k", {}, other)).toBeUndefined();
    expect(await store.searchItems(page, other)).toEqual([]);
    expect(await store.listNamespaces({ conditions: [], limit: 10, offset: 0 }, other)).toEqual([]);
    await expect(store.deleteItem(["n"], "k", other)).rejects.toThrow(NotFoundError);
    await expect(store.putItem({ namespace: ["n"], key: "k", value: { owner: "b" } }, other)).rejects.toThrow(
      NotFoundError,
    );
    await expect(store.putItem({ namespace: ["n"], key: "new", value: { owner: "a" } }, other)).rejects.toThrow(
      ForbiddenError,
    );
    expect((await store.getItem(["n"], "k", {}, ownedBy("a")))!.value).toEqual({ owner: "a", v: 1 });
    expect(await store.getItem(["n"], "new")).toBeUndefined();
    await store.putItem({ namespace: ["n"], key: "k", value: { owner: "a", v: 2 } }, ownedBy("a"));
    await store.deleteItem(["n"], "k", ownedBy("a"));
    await store.deleteItem(["n"], "k", ownedBy("a"));
    expect(await store.searchItems(page)).toEqual([]);
  });

  test("rules see namespace and key, which a value cannot counterfeit", async () => {
    const mine = { contains: { key: "namespace", values: ["user-a"] } };
    await store.putItem({ namespace: ["user-a"], key: "k", value: {} }, mine);
    await expect(
      store.putItem({ namespace: ["user-b"], key: "k", value: { namespace: ["user-a"] } }, mine),
    ).rejects.toThrow(ForbiddenError);
    await store.putItem({ namespace: ["user-b"], key: "k", value: { namespace: ["user-a"] } });
    expect((await store.searchItems(page, mine)).map((item) => item.namespace)).toEqual([["user-a"]]);
    expect(await store.listNamespaces({ conditions: [], limit: 10, offset: 0 }, mine)).toEqual([["user-a"]]);
  });

  test("several puts under a rule are written all or not at all", async () => {
    const puts = ["a", "b"].map((owner) => ({ namespace: ["n"], key: owner, value: { owner } }));
    await expect(store.writeItems(puts, [], ownedBy("a"))).rejects.toThrow(ForbiddenError);
    expect(await store.searchItems(page)).toEqual([]);
  });
}

function testExpiry(): void {
  test("an item lives as long as it was given, by default as long as the store says", async () => {
    const brief = new PostgresStoreRepository(database.pool, { defaultTtlMinutes: 10 });
    await brief.putItem({ namespace: ["n"], key: "default", value: {} });
    await brief.putItem({ namespace: ["n"], key: "own", value: {}, ttlMinutes: 60 });
    await brief.putItem({ namespace: ["n"], key: "ever", value: {}, ttlMinutes: null });
    await store.putItem({ namespace: ["n"], key: "plain", value: {} });
    expect(await Promise.all(["default", "own", "ever", "plain"].map(minutesLeft))).toEqual([10, 60, null, null]);
  });

  test("reading starts an item's time anew unless told otherwise", async () => {
    const put = (key: string) => store.putItem({ namespace: ["n"], key, value: {}, ttlMinutes: 60 });
    const age = () =>
      database.pool.query("update store_item set expires_at = now() + interval '5 min' where ttl_minutes is not null");
    for (const key of ["a", "b", "ever"])
      await (key === "ever" ? store.putItem({ namespace: ["n"], key, value: {} }) : put(key));
    await age();
    await store.getItem(["n"], "a");
    expect(await Promise.all(["a", "b", "ever"].map(minutesLeft))).toEqual([60, 5, null]);
    await age();
    await store.getItem(["n"], "a", { isTtlRefreshed: false });
    expect(await minutesLeft("a")).toBe(5);
    await store.searchItems({ ...page, limit: 2 });
    expect([await minutesLeft("a"), await minutesLeft("b")].sort()).toEqual([5, 60]);
    await age();
    const still = new PostgresStoreRepository(database.pool, { isRefreshedOnRead: false });
    await still.searchItems(page);
    expect(await minutesLeft("a")).toBe(5);
    await still.getItem(["n"], "a", { isTtlRefreshed: true });
    expect(await minutesLeft("a")).toBe(60);
  });

  test("an expired item is gone at once; the sweep removes its row, and putting it again starts afresh", async () => {
    for (const key of ["a", "b", "c"]) await store.putItem({ namespace: ["n"], key, value: { key }, ttlMinutes: 1 });
    await store.putItem({ namespace: ["m"], key: "kept", value: {} });
    await database.pool.query(
      "update store_item set expires_at = now() - interval '1 s', created_at = '2020-01-01' where ttl_minutes is not null",
    );
    expect(await store.getItem(["n"], "a")).toBeUndefined();
    expect((await store.searchItems(page)).map((item) => item.key)).toEqual(["kept"]);
    expect(await store.listNamespaces({ conditions: [], limit: 10, offset: 0 })).toEqual([["m"]]);
    // What has expired hides behind no rule either.
    await store.putItem({ namespace: ["n"], key: "a", value: { owner: "b" } }, ownedBy("b"));
    expect((await store.getItem(["n"], "a"))!.createdAt.getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(await store.sweepExpiredItems(1)).toBe(1);
    expect(await store.sweepExpiredItems(10)).toBe(1);
    expect(await store.sweepExpiredItems(10)).toBe(0);
    expect((await database.pool.query("select 1 from store_item")).rowCount).toBe(2);
  });
}

function testMeaning(): void {
  test("search by meaning ranks by the best text of each item, with its cosine; items without texts come last", async () => {
    embeddings.embedDocuments.mockClear();
    const semantic = await openSemantic({ embeddings, dims: 2, fields: ["text", "more[*].text"] });
    await semantic.writeItems(
      [
        { namespace: ["n"], key: "cat", value: { text: "cat" } },
        { namespace: ["n"], key: "dog", value: { text: "dog" } },
        { namespace: ["n"], key: "both", value: { text: "car", more: [{ text: "kitten" }, { text: "dog" }] } },
        { namespace: ["n"], key: "car", value: { text: "car" } },
        { namespace: ["n"], key: "none", value: { text: "cat" }, index: false },
        { namespace: ["n"], key: "other", value: { text: "car", title: "a pet" }, index: ["title"] },
        { namespace: ["m"], key: "elsewhere", value: { text: "a pet" } },
      ],
      [],
    );
    expect(embeddings.embedDocuments).toHaveBeenCalledTimes(1);
    const search = (options: object = {}) =>
      semantic.searchItems({ namespacePrefix: ["n"], query: "a pet", limit: 10, offset: 0, ...options });
    const found = await search();
    expect(found.map((item) => item.key)).toEqual(["other", "both", "cat", "dog", "car", "none"]);
    expect(found.map((item) => item.score?.toFixed(3))).toEqual([
      "1.000",
      "0.985",
      "0.940",
      "0.766",
      "-0.940",
      undefined,
    ]);
    expect((await search({ limit: 2, offset: 1 })).map((item) => item.key)).toEqual(["both", "cat"]);
    expect((await search({ filter: { text: "cat" } })).map((item) => item.key)).toEqual(["cat", "none"]);
    expect((await search({ query: undefined }))[0]!.score).toBeUndefined();

    // A changed item is found by its new texts only.
    await semantic.putItem({ namespace: ["n"], key: "both", value: { text: "car" } });
    expect((await search()).map((item) => item.key)[1]).toBe("cat");
    await semantic.deleteItem(["n"], "other");
    expect((await search())[0]!.key).toBe("cat");
    expect((await database.pool.query("select 1 from store_vector where key = 'other'")).rowCount).toBe(0);
  });

  test("vectors of another length than configured are refused, and without an index a query is ignored", async () => {
    const wrong = new PostgresStoreRepository(database.pool, { index: { embeddings, dims: 3 } });
    await expect(wrong.putItem({ namespace: ["n"], key: "k", value: { text: "cat" } })).rejects.toThrow(
      BadRequestError,
    );
    expect(await store.getItem(["n"], "k")).toBeUndefined();
    await store.putItem({ namespace: ["n"], key: "k", value: { text: "cat" } });
    expect(await store.searchItems({ ...page, query: "anything" })).toHaveLength(1);
  });
}
