// Proves what the assistant repository promises on a real PostgreSQL: versions, search, rules, and races between callers.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { NewAssistant } from "../domain/assistant.ts";
import { ConflictError, InvalidRequestError, NotFoundError } from "../domain/errors.ts";
import { mintId, systemAssistantId } from "../domain/ids.ts";
import { PostgresAssistantRepository } from "./assistant-repository.ts";
import { recordingCheckpointTables } from "./testing/recording-checkpoint-tables.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let assistants: PostgresAssistantRepository;
const checkpoints = recordingCheckpointTables();

beforeAll(async () => {
  database = await openTestDatabase();
  assistants = new PostgresAssistantRepository(database.pool, checkpoints);
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate assistant, thread, run cascade"));

function anAssistant(fields: Partial<NewAssistant> = {}): NewAssistant {
  return {
    assistantId: mintId(),
    graphId: "agent",
    name: "Untitled",
    description: null,
    config: {},
    context: {},
    metadata: {},
    ...fields,
  };
}

const ownedBy = (owner: string) => ({ equals: { key: "owner", value: owner } });

test("creates version 1 and finds it again", async () => {
  const wanted = anAssistant({
    config: { recursionLimit: 3, configurable: { a: 1 } },
    context: { b: 2 },
    description: "d",
  });
  const created = await assistants.createAssistant(wanted, "raise");
  expect(created).toMatchObject({ ...wanted, version: 1 });
  expect(created.createdAt).toBeInstanceOf(Date);
  expect(await assistants.findAssistant(wanted.assistantId)).toEqual(created);
  expect(await assistants.findAssistant(mintId())).toBeUndefined();
});

test("an id in use: raise refuses, do_nothing returns what is there, unless the caller may not see it", async () => {
  const first = await assistants.createAssistant(anAssistant({ metadata: { owner: "a" }, name: "first" }), "raise");
  const again = anAssistant({ assistantId: first.assistantId, name: "second" });
  await expect(assistants.createAssistant(again, "raise")).rejects.toThrow(
    new ConflictError("Assistant already exists"),
  );
  expect(await assistants.createAssistant(again, "do_nothing", ownedBy("a"))).toEqual(first);
  await expect(assistants.createAssistant(again, "do_nothing", ownedBy("b"))).rejects.toThrow(ConflictError);
});

test("twenty callers create the same assistant with do_nothing: one is made, all get it", async () => {
  const wanted = anAssistant();
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) => assistants.createAssistant({ ...wanted, name: `name ${n}` }, "do_nothing")),
  );
  expect(new Set(made.map((assistant) => assistant.name)).size).toBe(1);
  expect(await assistants.listAssistantVersions(wanted.assistantId, { limit: 10, offset: 0 })).toHaveLength(1);
});

test("every update makes a version, merges metadata and replaces the rest", async () => {
  const { assistantId } = await assistants.createAssistant(
    anAssistant({ metadata: { a: 1, b: { c: 1 } }, config: { tags: ["t"] } }),
    "raise",
  );
  const second = await assistants.updateAssistant(assistantId, { metadata: { b: { d: 2 } }, config: {} });
  expect(second).toMatchObject({ version: 2, metadata: { a: 1, b: { d: 2 } }, config: {}, name: "Untitled" });
  const third = await assistants.updateAssistant(assistantId, {});
  expect(third).toMatchObject({ version: 3, metadata: second.metadata });
  const versions = await assistants.listAssistantVersions(assistantId, { limit: 10, offset: 0 });
  expect(versions.map((version) => version.version)).toEqual([3, 2, 1]);
  expect(versions[2]).toMatchObject({ metadata: { a: 1, b: { c: 1 } }, config: { tags: ["t"] } });
  const filtered = await assistants.listAssistantVersions(assistantId, {
    metadata: { b: { d: 2 } },
    limit: 1,
    offset: 1,
  });
  expect(filtered.map((version) => version.version)).toEqual([2]);
});

test("concurrent updates never share a version number and lose no change", async () => {
  const { assistantId } = await assistants.createAssistant(anAssistant(), "raise");
  const updated = await Promise.all(
    Array.from({ length: 25 }, (_, n) => assistants.updateAssistant(assistantId, { metadata: { [`k${n}`]: n } })),
  );
  expect(updated.map((each) => each.version).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 25 }, (_, n) => n + 2),
  );
  expect(Object.keys((await assistants.findAssistant(assistantId))!.metadata)).toHaveLength(25);
});

test("setting the latest version flips every field back without a new version; the next update takes a fresh number", async () => {
  const { assistantId } = await assistants.createAssistant(anAssistant({ name: "one", description: "first" }), "raise");
  await assistants.updateAssistant(assistantId, {
    name: "two",
    description: "second",
    graphId: "rag",
    context: { c: 1 },
  });
  const back = await assistants.setLatestAssistantVersion(assistantId, 1);
  expect(back).toMatchObject({ version: 1, name: "one", description: "first", graphId: "agent", context: {} });
  expect(await assistants.listAssistantVersions(assistantId, { limit: 10, offset: 0 })).toHaveLength(2);
  expect((await assistants.updateAssistant(assistantId, {})).version).toBe(3);
  await expect(assistants.setLatestAssistantVersion(assistantId, 9)).rejects.toThrow(NotFoundError);
});

test("searches by containment, graph and literal part of the name, and counts the same", async () => {
  const names = ["100% sure", "100 sure", "a_b", "aXb", "back\\slash", "ÄRGER", "plain"];
  for (const [n, name] of names.entries()) {
    await assistants.createAssistant(
      anAssistant({ name, graphId: n % 2 ? "rag" : "agent", metadata: { n, tags: ["x", name] } }),
      "raise",
    );
  }
  const found = async (query: Parameters<typeof assistants.countAssistants>[0]) => {
    const page = await assistants.searchAssistants({
      ...query,
      limit: 10,
      offset: 0,
      sortBy: "name",
      sortOrder: "asc",
    });
    expect(await assistants.countAssistants(query)).toBe(page.total);
    return page.items.map((assistant) => assistant.name);
  };
  expect(await found({ name: "0%" })).toEqual(["100% sure"]);
  expect(await found({ name: "A_B" })).toEqual(["a_b"]);
  expect(await found({ name: "\\" })).toEqual(["back\\slash"]);
  expect(await found({ name: "SURE" })).toEqual(["100 sure", "100% sure"]);
  expect(await found({ metadata: { tags: ["plain"] } })).toEqual(["plain"]);
  expect(await found({ graphId: "rag", metadata: { tags: ["x"] } })).toEqual(["100 sure", "aXb", "ÄRGER"]);
  expect(await found({ metadata: {} })).toHaveLength(7);
  expect(await found({ metadata: { n: "0" } })).toEqual([]);
});

test("pages hold the true total, also beyond the end, newest first by default", async () => {
  for (let n = 0; n < 7; n++) await assistants.createAssistant(anAssistant({ name: `n${n}` }), "raise");
  const page = await assistants.searchAssistants({ limit: 3, offset: 0 });
  expect(page).toMatchObject({ total: 7, items: [{ name: "n6" }, { name: "n5" }, { name: "n4" }] });
  expect(await assistants.searchAssistants({ limit: 3, offset: 6 })).toMatchObject({
    total: 7,
    items: [{ name: "n0" }],
  });
  expect(await assistants.searchAssistants({ limit: 3, offset: 50 })).toEqual({ total: 7, items: [] });
});

test("no verb reaches across a rule", async () => {
  const mine = await assistants.createAssistant(anAssistant({ metadata: { owner: "a" } }), "raise");
  const other = ownedBy("b");
  const id = mine.assistantId;
  expect(await assistants.findAssistant(id, other)).toBeUndefined();
  expect(await assistants.searchAssistants({ limit: 10, offset: 0 }, other)).toEqual({ items: [], total: 0 });
  expect(await assistants.countAssistants({}, other)).toBe(0);
  expect(await assistants.listAssistantVersions(id, { limit: 10, offset: 0 }, other)).toEqual([]);
  await expect(assistants.updateAssistant(id, { name: "x" }, other)).rejects.toThrow(NotFoundError);
  await expect(assistants.setLatestAssistantVersion(id, 1, other)).rejects.toThrow(NotFoundError);
  await expect(assistants.deleteAssistant(id, { deleteThreads: true }, other)).rejects.toThrow(NotFoundError);
  expect(await assistants.findAssistant(id, ownedBy("a"))).toEqual(mine);
});

test("deleting takes the versions, and the visible threads when asked", async () => {
  const { assistantId } = await assistants.createAssistant(anAssistant({ metadata: { owner: "a" } }), "raise");
  const threadOf = async (metadata: object) => {
    const threadId = mintId();
    await database.pool.query("insert into thread (thread_id, metadata) values ($1, $2)", [threadId, metadata]);
    return threadId;
  };
  const mine = await threadOf({ assistant_id: assistantId, owner: "a" });
  const hidden = await threadOf({ assistant_id: assistantId, owner: "b" });
  const unrelated = await threadOf({ assistant_id: mintId(), owner: "a" });
  await assistants.deleteAssistant(assistantId, { deleteThreads: true }, ownedBy("a"));
  expect(await assistants.findAssistant(assistantId)).toBeUndefined();
  expect((await database.pool.query("select 1 from assistant_version")).rowCount).toBe(0);
  const left = await database.pool.query<{ thread_id: string }>("select thread_id from thread");
  expect(left.rows.map((row) => row.thread_id).sort()).toEqual([hidden, unrelated].sort());
  expect(checkpoints.deletedThreads).toContain(mine);
  await expect(assistants.deleteAssistant(assistantId, { deleteThreads: false })).rejects.toThrow(NotFoundError);
});

test("system assistants: made once by processes starting together, later only kept in step by name and description", async () => {
  const system = ["agent", "rag", "sales"].map((graphId) =>
    anAssistant({
      assistantId: systemAssistantId(graphId),
      graphId,
      name: graphId,
      metadata: { created_by: "system" },
    }),
  );
  await Promise.all(
    Array.from({ length: 8 }, (_, n) => assistants.ensureSystemAssistants(n % 2 ? system : [...system].reverse())),
  );
  expect(await assistants.countAssistants({})).toBe(3);
  await assistants.updateAssistant(systemAssistantId("rag"), { config: { tags: ["mine"] } });
  await assistants.ensureSystemAssistants(
    system.map((each) => ({ ...each, description: "new", config: { tags: ["theirs"] } })),
  );
  expect(await assistants.findAssistant(systemAssistantId("rag"))).toMatchObject({
    version: 2,
    description: "new",
    config: { tags: ["mine"] },
  });
  await assistants.ensureSystemAssistants([]);
});

test("what PostgreSQL cannot store is the caller's mistake, not a failure of the server", async () => {
  const bad = [
    anAssistant({ metadata: { text: "a\u0000b" } }),
    anAssistant({ metadata: { "k\u0000": 1 } }),
    anAssistant({ name: "a\u0000b" }),
    anAssistant({ context: { text: "\ud800" } }),
  ];
  for (const assistant of bad) {
    await expect(assistants.createAssistant(assistant, "raise")).rejects.toThrow(InvalidRequestError);
  }
  await expect(assistants.searchAssistants({ metadata: { a: "\u0000" }, limit: 1, offset: 0 })).rejects.toThrow(
    InvalidRequestError,
  );
  await expect(assistants.countAssistants({ name: "\u0000" })).rejects.toThrow(InvalidRequestError);
  expect(await assistants.countAssistants({})).toBe(0);
});

test("null, unicode and large documents come back as they were", async () => {
  const metadata = {
    nothing: null,
    text: "Ω 🦕 \u2028 '\"\\ $1",
    big: "x".repeat(1_000_000),
    deep: [[[{ a: [null] }]]],
  };
  const { assistantId } = await assistants.createAssistant(anAssistant({ metadata, name: "🦕" }), "raise");
  expect((await assistants.findAssistant(assistantId))!.metadata).toEqual(metadata);
  expect((await assistants.searchAssistants({ metadata: { text: metadata.text }, limit: 1, offset: 0 })).total).toBe(1);
});
