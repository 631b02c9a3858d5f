// Proves on pgvector that its index is used, finds what comparing every match finds, lets no condition slip, and comes and goes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoreQuery } from "../../domain/ports/store-repository.ts";
import { openPgvectorDatabase, type PgvectorDatabase } from "../testing/pgvector-database.ts";
import type { EmbeddingIndexOptions } from "./embedding-index.ts";
import { PostgresStoreRepository } from "./store-repository.ts";
import type { VectorDistance } from "./vector-space.ts";

const DIMS = 8;
const ITEM_COUNT = 2_000;
/** Items of a group are one in this many. */
const GROUP_COUNT = 100;

let database: PgvectorDatabase;
beforeAll(async () => {
  database = await openPgvectorDatabase();
  // As they are, of any length.
  await fill(openStore({ distance: "inner_product" }));
}, 60_000);
afterAll(() => database?.close());

/** Seeded: the same vectors in every run. */
function vectorOf(seed: number): number[] {
  let state = (seed * 2_654_435_761) % 4_294_967_296;
  return Array.from({ length: DIMS }, () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 2_147_483_648 - 1;
  });
}

/** Texts are numbers, and the seeds of their vectors. */
const embeddings = {
  embedQuery: async (text: string) => vectorOf(Number(text)),
  embedDocuments: async (texts: string[]) => texts.map((text) => vectorOf(Number(text))),
};

function openStore(options: Partial<EmbeddingIndexOptions> = {}): PostgresStoreRepository {
  const index = { embeddings, dims: DIMS, fields: ["text"], ...options };
  return new PostgresStoreRepository(database.pool, { index });
}

async function fill(store: PostgresStoreRepository): Promise<void> {
  for (let first = 0; first < ITEM_COUNT; first += 500) {
    const puts = Array.from({ length: 500 }, (_, offset) => {
      const n = first + offset;
      const value = { text: String(n), group: n % GROUP_COUNT, owner: n % 2 ? "odd" : "even" };
      return { namespace: ["all", `part-${n % 3}`], key: `k${n}`, value };
    });
    await store.writeItems(puts, []);
  }
  await database.pool.query("analyze store_item, store_vector");
}

const indexScans = async () => {
  await database.pool.query("select pg_stat_force_next_flush()");
  const { rows } = await database.pool.query(
    "select coalesce(sum(idx_scan), 0)::int as count from pg_stat_user_indexes where indexrelname like 'store_vector_hnsw_%'",
  );
  return rows[0].count as number;
};

const keysOf = (found: { key: string }[]) => found.map(({ key }) => key);
const search = (query: string, more: Partial<StoreQuery> = {}): StoreQuery => ({
  namespacePrefix: [],
  query,
  limit: 10,
  offset: 0,
  ...more,
});

describe.each<VectorDistance>(["cosine", "l2", "inner_product"])("%s", (distance) => {
  const flat = () => openStore({ distance, ann: { kind: "flat" } });

  test("the index finds what every other way of searching finds", async () => {
    const indexed = openStore({ distance, ann: { kind: "hnsw" } });
    const plain = flat();
    expect(await plain.vectorIndex!.current()).toBe(distance === "cosine" ? "plain" : "exact");
    const queries = Array.from({ length: 20 }, (_, n) => String(100_000 + n));
    const expected = await Promise.all(queries.map((query) => plain.searchItems(search(query))));
    await indexed.vectorIndex!.keep(database.pool);
    expect(await indexed.vectorIndex!.current()).toBe("indexed");
    const before = await indexScans();
    let shared = 0;
    for (const [n, query] of queries.entries()) {
      const found = await indexed.searchItems(search(query));
      const scores = found.map(({ score }) => score!);
      expect(scores).toEqual([...scores].sort((left, right) => right - left));
      const wanted = new Map(expected[n]!.map(({ key, score }) => [key, score!]));
      for (const { key, score } of found) {
        if (!wanted.has(key)) continue;
        shared += 1;
        expect(score).toBeCloseTo(wanted.get(key)!, 4);
      }
    }
    expect(shared / (queries.length * 10)).toBeGreaterThan(0.95);
    expect((await indexScans()) - before).toBeGreaterThanOrEqual(queries.length);
    const exact = flat();
    expect(await exact.vectorIndex!.current()).toBe("indexed");
  });

  test("filters, namespaces, rules and expiry hold, and none of them makes a page short", async () => {
    const store = openStore({ distance, ann: { kind: "hnsw" } });
    expect(await store.vectorIndex!.current()).toBe("indexed");
    const query = "77777";
    const ofGroup = await store.searchItems(search(query, { filter: { group: 7 } }));
    expect(ofGroup).toHaveLength(10);
    expect(ofGroup.every(({ value }) => value.group === 7)).toBe(true);
    const everyOfGroup = await store.searchItems(search(query, { filter: { group: 7 }, limit: 100 }));
    expect(everyOfGroup).toHaveLength(ITEM_COUNT / GROUP_COUNT);
    expect(keysOf(everyOfGroup.slice(0, 10))).toEqual(keysOf(ofGroup));
    const inPart = await store.searchItems(search(query, { namespacePrefix: ["all", "part-1"] }));
    expect(inPart.map(({ namespace }) => namespace[1])).toEqual(Array(10).fill("part-1"));
    const odd = { equals: { key: "owner", value: "odd" } };
    const mine = await store.searchItems(search(query, { limit: 50 }), odd);
    expect(mine).toHaveLength(50);
    expect(mine.every(({ value }) => value.owner === "odd")).toBe(true);
    const pages = await Promise.all([0, 10, 20].map((offset) => store.searchItems(search(query, { offset }))));
    expect(new Set(keysOf(pages.flat())).size).toBe(30);
    const [nearest] = await store.searchItems(search(query));
    await database.pool.query("update store_item set expires_at = now() - interval '1 s' where key = $1", [
      nearest!.key,
    ]);
    const later = await store.searchItems(search(query));
    expect(later).toHaveLength(10);
    expect(keysOf(later)).not.toContain(nearest!.key);
    await database.pool.query("update store_item set expires_at = null");
  });
});

test("an index of another model goes, and its embeddings are left out of searches until their items are put again", async () => {
  const short = {
    ...embeddings,
    embedQuery: async () => [1, 0],
    embedDocuments: async (t: string[]) => t.map(() => [1, 0]),
  };
  const other = openStore({ embeddings: short, dims: 2, ann: { kind: "hnsw" } });
  const done = await other.vectorIndex!.keep(database.pool);
  expect(done).toEqual([expect.stringMatching(/^dropped store_vector_hnsw_8_/), "built store_vector_hnsw_2_cosine"]);
  await other.putItem({ namespace: ["all"], key: "again", value: { text: "1" } });
  const found = await other.searchItems(search("1", { limit: 3 }));
  expect(found.map(({ key, score }) => [key, score === undefined])).toEqual([
    ["again", false],
    [expect.any(String), true],
    [expect.any(String), true],
  ]);
  const flat = openStore({ ann: { kind: "flat" } });
  expect(await flat.vectorIndex!.keep(database.pool)).toEqual(["dropped store_vector_hnsw_2_cosine"]);
  expect(await flat.vectorIndex!.current()).toBe("exact");
});

test("searches go on when the extension goes, and use it again when it comes back; no embedding is lost", async () => {
  const store = openStore({ ann: { kind: "hnsw" } });
  await store.vectorIndex!.keep(database.pool);
  const before = await store.searchItems(search("4711"));
  expect(await store.vectorIndex!.current()).toBe("indexed");
  await database.pool.query("drop extension vector cascade");
  expect(keysOf(await store.searchItems(search("4711")))).toEqual(keysOf(before));
  expect(await store.vectorIndex!.current()).toBe("plain");
  await store.putItem({ namespace: ["all"], key: "meanwhile", value: { text: "4711" } });
  expect(await store.vectorIndex!.keep(database.pool)).toEqual(["built store_vector_hnsw_8_cosine"]);
  expect(await store.vectorIndex!.current()).toBe("indexed");
  const [first, ...rest] = await store.searchItems(search("4711"));
  expect(first).toMatchObject({ key: "meanwhile" });
  expect(keysOf(rest)).toEqual(keysOf(before).slice(0, 9));
});

test("unless told otherwise the index is built when there are enough embeddings", async () => {
  await openStore({ ann: { kind: "flat" } }).vectorIndex!.keep(database.pool);
  const store = openStore();
  expect(await store.vectorIndex!.keep(database.pool)).toEqual([]);
  expect(await store.vectorIndex!.current()).toBe("exact");
  const large = openStore({ ann: { indexedFromCount: ITEM_COUNT } });
  expect(await large.vectorIndex!.keep(database.pool)).toEqual(["built store_vector_hnsw_8_cosine"]);
});
