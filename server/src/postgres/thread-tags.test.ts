// Proves that searches by tags find what containment finds, whatever becomes of a thread, and that an index answers them.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter } from "../domain/page.ts";
import type { ThreadQuery } from "../domain/ports/thread-repository.ts";
import type { ThreadSortKey } from "../domain/thread.ts";
import { recordingCheckpointTables } from "./testing/recording-checkpoint-tables.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";
import { PostgresThreadRepository } from "./thread-repository.ts";

let database: TestDatabase;
let threads: PostgresThreadRepository;

beforeAll(async () => {
  database = await openTestDatabase();
  threads = new PostgresThreadRepository(database.pool, {
    checkpoints: recordingCheckpointTables(),
    readOmittedValues: async () => new Map(),
  });
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate thread cascade"));

const run = <Row>(text: string, values: unknown[] = []) =>
  database.pool.query<Row & object>(text, values).then(({ rows }) => rows);

const insert = (metadata: JsonObject, values: JsonObject | null = null, extra = { status: "idle", temporary: false }) =>
  run<{ thread_id: string }>(
    `insert into thread (thread_id, metadata, "values", status, is_temporary, created_at, updated_at)
     values ($1, $2, $3, $4, $5, now() - random() * interval '1 day', now() - random() * interval '1 day') returning thread_id`,
    [mintId(), JSON.stringify(metadata), values && JSON.stringify(values), extra.status, extra.temporary],
  ).then((rows) => rows[0]!.thread_id);

/** What there is, in order, by containment on the rows alone. */
async function bruteForce(query: ThreadQuery, access: AccessFilter, order: string): Promise<string[]> {
  const owner = access !== undefined && "equals" in access ? { [access.equals.key]: access.equals.value } : {};
  const rows = await run<{ thread_id: string }>(
    `select thread_id from thread where not (is_temporary and ended_at is not null) and metadata @> $1 and metadata @> $2
       and coalesce("values", '{}') @> $3 and status = coalesce($4, status) order by ${order}`,
    [
      JSON.stringify(query.metadata ?? {}),
      JSON.stringify(owner),
      JSON.stringify(query.values ?? {}),
      query.status ?? null,
    ],
  );
  return rows.map((row) => row.thread_id);
}

const ORDERS: [ThreadSortKey, "asc" | "desc", string][] = [
  ["createdAt", "desc", "created_at desc, thread_id"],
  ["createdAt", "asc", "created_at, thread_id desc"],
  ["updatedAt", "desc", "updated_at desc, thread_id"],
  ["stateUpdatedAt", "asc", "state_updated_at asc nulls first, thread_id desc"],
  ["status", "asc", "status, created_at desc, thread_id"],
  ["threadId", "desc", "thread_id desc"],
];

async function expectTruth(query: ThreadQuery, access?: AccessFilter): Promise<string[]> {
  let found: string[] = [];
  for (const [sortBy, sortOrder, order] of ORDERS) {
    const expected = await bruteForce(query, access, order);
    const page = (limit: number, offset: number) =>
      threads.searchThreads({ ...query, sortBy, sortOrder, limit, offset, withValues: false }, access);
    const all = await page(1_000, 0);
    found = all.items.map((thread) => thread.threadId);
    expect([sortBy, found, all.total]).toEqual([sortBy, expected, expected.length]);
    const part = await page(3, 2);
    expect(part.items.map((thread) => thread.threadId)).toEqual(expected.slice(2, 5));
    expect(part.total).toBe(part.items.length === 0 ? part.total : expected.length);
    expect(await threads.countThreads(query, access)).toBe(expected.length);
  }
  return found;
}

/** Few keys and few values, so that they meet; long ones, numbers that look different, texts that look like other things. */
const key = fc.constantFrom("a", "b", "plan", "a:", '"', "ключ", "__proto__x", "k".repeat(150));
const plain = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    "",
    "null",
    "true",
    "1",
    'a"b',
    "\n",
    "é",
    "x".repeat(201),
    "y".repeat(300),
  ),
  fc.constantFrom<unknown>(0, 1, 1.5, -2, 100, 1e21, 1e40, 1e-7, 123456789012345),
);
const entry = fc.oneof(
  { weight: 5, arbitrary: plain },
  { weight: 1, arbitrary: fc.constantFrom<unknown>({ c: 1 }, ["x"], []) },
);
const document = fc.dictionary(key, entry, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

test("they find what containment finds, in every order and page", async () => {
  const owners = ["ada", "bob"];
  const kept = await fc.sample(fc.tuple(document, fc.option(document), fc.boolean(), fc.nat(3)), {
    numRuns: 60,
    seed: 11,
  });
  for (const [metadata, values, temporary, status] of kept) {
    const owner = owners[status % 2]!;
    await insert({ ...metadata, owner }, values, {
      status: ["idle", "busy", "error", "interrupted"][status]!,
      temporary,
    });
  }
  let foundCount = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(key, entry, { maxKeys: 2 }),
      fc.option(fc.dictionary(key, entry, { maxKeys: 1 }), { nil: undefined }),
      fc.constantFrom(undefined, "idle", "busy") as fc.Arbitrary<ThreadQuery["status"]>,
      fc.constantFrom(undefined, { equals: { key: "owner", value: "ada" } }),
      async (metadata, values, status, access) => {
        foundCount += (await expectTruth({ metadata, values, status } as ThreadQuery, access)).length;
      },
    ),
    { numRuns: 60, seed: 5 },
  );
  expect(foundCount).toBeGreaterThan(50);
});

test("they follow whatever becomes of a thread", async () => {
  const id = await insert({ plan: "pro", n: 1 }, { topic: "old" });
  const other = await insert({ plan: "pro" });
  const pro = { metadata: { plan: "pro" } };
  expect(await expectTruth(pro)).toHaveLength(2);
  await threads.updateThread(id, { metadata: { plan: "free", n: 1.0 } });
  expect(await expectTruth(pro)).toEqual([other]);
  expect(await expectTruth({ metadata: { n: 1 } })).toEqual([id]);
  await run(`update thread set "values" = '{"topic": "new"}' where thread_id = $1`, [id]);
  expect(await expectTruth({ values: { topic: "old" } })).toEqual([]);
  expect(await expectTruth({ values: { topic: "new" } })).toEqual([id]);
  await run(
    `update thread set created_at = now() - interval '9 days', metadata = '{"plan": "pro"}' where thread_id = $1`,
    [id],
  );
  expect(await expectTruth(pro)).toHaveLength(2);
  await run("update thread set is_temporary = true where thread_id = $1", [id]);
  expect(await expectTruth(pro)).toHaveLength(2);
  await run("update thread set ended_at = now() where thread_id = $1", [id]);
  expect(await expectTruth(pro)).toEqual([other]);
  await run("update thread set is_temporary = false where thread_id = $1", [id]);
  expect(await expectTruth(pro)).toHaveLength(2);
  await threads.deleteThread(id);
  expect(await expectTruth(pro)).toEqual([other]);
  const copy = (await threads.copyThread(other, mintId())).threadId;
  expect((await expectTruth(pro)).toSorted()).toEqual([other, copy].toSorted());
  const { rows } = await database.pool.query("select count(*)::int as n from thread_tag where thread_id = $1", [id]);
  expect(rows).toEqual([{ n: 0 }]);
  await run("truncate thread cascade");
  expect(await run("select 1 from thread_tag")).toEqual([]);
});

test("two writers of one thread leave the tags of the last", async () => {
  const id = await insert({});
  await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      threads.updateThread(id, { metadata: { plan: `p${index % 3}`, [`k${index % 5}`]: index } }),
    ),
  );
  const [row] = await run<{ metadata: JsonObject }>("select metadata from thread where thread_id = $1", [id]);
  const tags = await run<{ tag: string }>("select tag from thread_tag where thread_id = $1 order by tag", [id]);
  const expected = await run<{ tag: string }>(
    "select thread_tag_of('m', key, value) as tag from jsonb_each($1) order by tag",
    [JSON.stringify(row!.metadata)],
  );
  expect(tags).toEqual(expected);
});

test("sealed values have no tags", async () => {
  const id = await insert({});
  await run(`update thread set "values" = '"sealed"' where thread_id = $1`, [id]);
  expect(await run("select 1 from thread_tag where thread_id = $1", [id])).toEqual([]);
});

test("a filter of very many entries is not planned as a join of as many tables", async () => {
  const many = Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`key${number}`, number]));
  const [whole] = [await insert(many, many), await insert({ ...many, key299: "other" }, many)];
  const { items, total } = await threads.searchThreads(
    { metadata: many, values: many, limit: 10, offset: 0, withValues: false },
    undefined,
  );
  expect([items.map(({ threadId }) => threadId), total]).toEqual([[whole], 1]);
  expect(await threads.countThreads({ metadata: many }, undefined)).toBe(1);
}, 5_000);
