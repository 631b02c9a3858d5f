// Keeps the committed schema.sql in step with the migrations, and proves that it can be executed.
import { readFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { describeSchema } from "./describe-schema.ts";
import { openTestDatabase } from "./testing/test-database.ts";

const SCHEMA_FILE = new URL("../../schema.sql", import.meta.url);

test("schema.sql is what the migrations make", async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database.close());
  const committed = await readFile(SCHEMA_FILE, "utf8");
  expect(committed, "run: npx holdfast migrate --print-schema > server/schema.sql").toBe(
    await describeSchema(database.pool),
  );
});

test("a database made from the dump has the same dump", async () => {
  const migrated = await openTestDatabase();
  onTestFinished(() => migrated.close());
  const empty = await openTestDatabase({ migrate: false });
  onTestFinished(() => empty.close());
  const dump = await describeSchema(migrated.pool);
  expect(dump).toContain("create table assistant (");
  await empty.pool.query(dump);
  expect(await describeSchema(empty.pool)).toBe(dump);
});
