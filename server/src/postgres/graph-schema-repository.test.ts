// Schemas are kept under their key, replaced, and do not pile up.
import { afterAll, beforeAll, expect, test } from "vitest";
import { PostgresGraphSchemaRepository } from "./graph-schema-repository.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const kept = (title: string) => ({ schemas: { state: { title } }, sources: { "graph.ts": title } });

test("what is kept is found under its key, the last of it, and goes a month later when others come", async () => {
  const repository = new PostgresGraphSchemaRepository(database.pool);
  await repository.keepSchemas("a", kept("first"));
  await repository.keepSchemas("a", kept("second"));
  await repository.keepSchemas("b", kept("other"));
  expect(await repository.findSchemas("a")).toEqual(kept("second"));
  await database.pool.query("update graph_schema set created_at = now() - interval '31 days'");
  await repository.keepSchemas("a", kept("third"));
  expect(await repository.findSchemas("a")).toEqual(kept("third"));
  expect(await repository.findSchemas("b")).toBeUndefined();
  await database.pool.query("update graph_schema set created_at = now() - interval '29 days'");
  await repository.keepSchemas("c", kept("new"));
  expect(await repository.findSchemas("a")).toEqual(kept("third"));
});
