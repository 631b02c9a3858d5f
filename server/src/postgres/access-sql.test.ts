// Proves that PostgreSQL and a plain evaluation agree on what every authorisation rule shows, whatever the metadata.

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../domain/json.ts";
import type { AccessRule } from "../domain/page.ts";
import { accessCondition } from "./access-sql.ts";
import { execute, Parameters } from "./statement.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** The meaning of a rule, written down without SQL. */
function allows(rule: AccessRule, metadata: JsonObject): boolean {
  if ("and" in rule) return rule.and.every((each) => allows(each, metadata));
  if ("or" in rule) return rule.or.some((each) => allows(each, metadata));
  if ("equals" in rule) {
    return Object.hasOwn(metadata, rule.equals.key) && isDeepStrictEqual(metadata[rule.equals.key], rule.equals.value);
  }
  const held = Object.hasOwn(metadata, rule.contains.key) ? metadata[rule.contains.key] : undefined;
  return (
    Array.isArray(held) &&
    rule.contains.values.every((wanted) => held.some((element) => isDeepStrictEqual(element, wanted)))
  );
}

async function sqlAllows(rule: AccessRule | undefined, metadata: JsonObject): Promise<boolean> {
  const parameters = new Parameters();
  const row = parameters.addJson(metadata);
  const condition = accessCondition(rule, "t.metadata", parameters);
  const rows = await execute<{ shown: boolean }>(
    database.pool,
    `select (${condition}) as shown from (select ${row} as metadata) t`,
    parameters.values,
  );
  return rows[0]!.shown;
}

const keys = fc.constantFrom("owner", "team", "tags", "__proto__x", "a.b", "ünï'\"$1");
const scalars = fc.oneof(
  fc.constantFrom("a", "b", "", "'; drop table thread --", "10%", "_", "Ω"),
  fc.integer({ min: -2, max: 2 }),
  fc.boolean(),
  fc.constant(null),
);
const values = fc.oneof(
  { weight: 3, arbitrary: scalars },
  fc.array(scalars, { maxLength: 3 }),
  fc.dictionary(fc.constantFrom("x", "y"), scalars, { maxKeys: 2, noNullPrototype: true }),
  fc.array(fc.dictionary(fc.constantFrom("x", "y"), scalars, { maxKeys: 2, noNullPrototype: true }), { maxLength: 2 }),
);
const metadata = fc.dictionary(keys, values, { maxKeys: 4, noNullPrototype: true });
const { rule: rules } = fc.letrec<{ rule: AccessRule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3 },
    fc.record({ equals: fc.record({ key: keys, value: values }) }),
    fc.record({ contains: fc.record({ key: keys, values: fc.array(values, { maxLength: 3 }) }) }),
    fc.record({ and: fc.array(tie("rule"), { maxLength: 3 }) }),
    fc.record({ or: fc.array(tie("rule"), { maxLength: 3 }) }),
  ),
}));

test("SQL shows exactly what the rule allows", async () => {
  let shownCount = 0;
  await fc.assert(
    fc.asyncProperty(rules, metadata, async (rule, document) => {
      const shown = await sqlAllows(rule, document);
      if (shown) shownCount += 1;
      expect(shown).toBe(allows(rule, document));
    }),
    { numRuns: 1_500 },
  );
  // Both answers were exercised.
  expect(shownCount).toBeGreaterThan(100);
  expect(shownCount).toBeLessThan(1_400);
}, 60_000);

test("rules built from the metadata itself hit as well as miss", async () => {
  await fc.assert(
    fc.asyncProperty(metadata, fc.nat(), async (document, pick) => {
      const entries = Object.entries(document);
      fc.pre(entries.length > 0);
      const [key, value] = entries[pick % entries.length]!;
      expect(await sqlAllows({ equals: { key, value } }, document)).toBe(true);
      if (Array.isArray(value)) {
        expect(await sqlAllows({ contains: { key, values: [...value].reverse() } }, document)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test.each<[string, AccessRule, JsonObject, boolean]>([
  ["a value that is undefined shows nothing", { equals: { key: "owner", value: undefined } }, { owner: "a" }, false],
  ["so does one among contained values", { contains: { key: "tags", values: [undefined] } }, { tags: ["a"] }, false],
  ["null is not the same as missing", { equals: { key: "owner", value: null } }, {}, false],
  ["part of an object is not equal to it", { equals: { key: "o", value: { x: 1 } } }, { o: { x: 1, y: 2 } }, false],
  ["part of a list is not equal to it", { equals: { key: "o", value: ["a"] } }, { o: ["a", "b"] }, false],
  ["a text is no list that contains it", { contains: { key: "tags", values: ["a"] } }, { tags: "a" }, false],
  ["no rules at all to satisfy", { and: [] }, {}, true],
  ["none of no rules", { or: [] }, {}, false],
])("%s", async (_name, rule, document, expected) => {
  expect(await sqlAllows(rule, document)).toBe(expected);
});

test("a rule of an unknown kind shows nothing, no rule shows everything", async () => {
  expect(await sqlAllows({ unknown: true } as unknown as AccessRule, { owner: "a" })).toBe(false);
  expect(await sqlAllows(undefined, {})).toBe(true);
});
