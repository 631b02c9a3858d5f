// Notices are found to be heard on the database itself, and not to be heard from another one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { hearsNotices } from "./listener-check.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let other: TestDatabase;
beforeAll(async () => {
  [database, other] = await Promise.all([openTestDatabase({ migrate: false }), openTestDatabase({ migrate: false })]);
});
afterAll(async () => {
  await database.close();
  await other.close();
});

test("a listener on the same database hears", async () => {
  expect(await hearsNotices(database.url, database.pool)).toBe(true);
});

test("one on another database does not", async () => {
  expect(await hearsNotices(other.url, database.pool)).toBe(false);
});

test("one that cannot connect is the caller's error", async () => {
  await expect(hearsNotices("postgresql://nobody@127.0.0.1:1/nowhere", database.pool)).rejects.toThrow("ECONNREFUSED");
});
