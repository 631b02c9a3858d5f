// Proves that containment computed here is PostgreSQL's.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { containsJson } from "./json-containment.ts";
import { execute } from "./statement.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase({ migrate: false });
});
afterAll(() => database.close());

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, "a", "b"),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("x", "y"), tie("json"), { maxKeys: 2, noNullPrototype: true }),
  ),
}));

test("containsJson answers as `@>` does", async () => {
  let containedCount = 0;
  await fc.assert(
    fc.asyncProperty(json, json, async (value, pattern) => {
      const [row] = await execute<{ contains: boolean }>(database.pool, "select $1::jsonb @> $2::jsonb as contains", [
        JSON.stringify(value),
        JSON.stringify(pattern),
      ]);
      if (row!.contains) containedCount += 1;
      expect(containsJson(value, pattern)).toBe(row!.contains);
    }),
    { numRuns: 2_000 },
  );
  expect(containedCount).toBeGreaterThan(50);
}, 60_000);

test("a missing value contains nothing", () => {
  expect(containsJson(undefined, { x: 1 })).toBe(false);
  expect(containsJson({}, { x: 1 })).toBe(false);
  expect(containsJson({}, {})).toBe(true);
});
