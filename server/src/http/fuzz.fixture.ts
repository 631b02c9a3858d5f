// Random requests made from an operation's own schemas: mostly fitting, partly not, with the values servers stumble over.
import type { z } from "@hono/zod-openapi";
import fc from "fast-check";
import { mintId } from "../domain/ids.ts";
import type { Operation } from "./operation.ts";

interface SchemaDef {
  type: string;
  innerType?: Schema;
  options?: Schema[];
  element?: Schema;
  shape?: Record<string, Schema>;
  valueType?: Schema;
  items?: Schema[];
  values?: unknown[];
  entries?: Record<string, string>;
  format?: string;
  in?: Schema;
}
interface Schema {
  _zod: { def: SchemaDef };
}

export interface RandomRequest {
  path: string;
  method: string;
  body: string | undefined;
  headers: Record<string, string>;
}

/** Texts, numbers and keys that have broken servers before. */
const awkward = fc.oneof(
  fc.constantFrom<unknown>(
    "",
    "\u0000",
    "\ud800",
    "a\u0000b",
    "__proto__",
    "constructor",
    "'; DROP TABLE thread; --",
    "%00",
    "../../etc/passwd",
    "x".repeat(5_000),
    -1,
    0,
    1e308,
    -1e308,
    2 ** 31,
    2 ** 53,
    0.1,
    true,
    null,
    [],
    {},
    { __proto__: null },
    JSON.parse('{"__proto__":{"polluted":true},"constructor":1}'),
    [[[[]]]],
  ),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Ids and texts that exist on the server under test, so that requests get past "not found". */
export interface KnownValues {
  ids: string[];
  texts: string[];
  /** Texts for fields that take few others, used where a request keeps to its schema. */
  fields?: Record<string, string[]>;
}

/** How a request is meant: it keeps to its schema, or is hostile and puts anything at all in the place of one value in six. */
interface Intent {
  isHostile: boolean;
  known: KnownValues;
}

function valueFor(schema: Schema, intent: Intent): fc.Arbitrary<unknown> {
  const fitting = fittingValue(schema._zod.def, intent);
  if (!intent.isHostile) return fitting;
  return fc.oneof({ weight: 5, arbitrary: fitting }, { weight: 1, arbitrary: awkward });
}

function fittingValue(def: SchemaDef, intent: Intent): fc.Arbitrary<unknown> {
  const inner = (schema: Schema) => valueFor(schema, intent);
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
      return fc.oneof(inner(def.innerType!), fc.constant(undefined));
    case "pipe":
      return inner(def.in!);
    case "union":
      return fc.oneof(...def.options!.map(inner));
    case "object":
      return fc.record(mapValues(def.shape!, (schema, name) => textOf(name, intent) ?? inner(schema)));
    case "array":
      return fc.array(inner(def.element!), { minLength: 1, maxLength: 4 });
    case "tuple":
      return fc.tuple(...def.items!.map(inner));
    case "record":
      return fc.dictionary(fc.string({ maxLength: 12 }), inner(def.valueType!), { maxKeys: 4 });
    case "enum":
      return fc.constantFrom(...Object.values(def.entries!));
    case "literal":
      return fc.constantFrom(...def.values!);
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.integer({ min: 1, max: 50 });
    case "string":
      return textFor(def.format === "guid", intent.known);
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function textFor(isId: boolean, { ids, texts }: KnownValues): fc.Arbitrary<string> {
  if (isId) return fc.oneof({ weight: 1, arbitrary: fc.uuid() }, { weight: 5, arbitrary: fc.constantFrom(...ids) });
  return fc.constantFrom("/hook", "values", mintId(), ...ids, ...texts);
}

function textOf(field: string, { isHostile, known }: Intent): fc.Arbitrary<string> | undefined {
  const texts = isHostile ? undefined : known.fields?.[field];
  return texts && fc.constantFrom(...texts);
}

function mapValues<T, U>(object: Record<string, T>, map: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]));
}

/** Random requests for the operation: half keep to its schemas, half do not, some of these with bodies that are no JSON at all. */
export function requestsFor(operation: Operation, known: KnownValues): fc.Arbitrary<RandomRequest> {
  return fc.oneof(
    requestsWith(operation, { isHostile: false, known }),
    requestsWith(operation, { isHostile: true, known }),
  );
}

function requestsWith(operation: Operation, intent: Intent): fc.Arbitrary<RandomRequest> {
  const part = (schema: z.ZodType | undefined) =>
    schema === undefined ? fc.constant(undefined) : valueFor(schema as unknown as Schema, intent);
  const rawBody = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("{", "[1,", "\u0000", "nul", '{"a":1e999}'));
  const body = fc.oneof(
    { weight: 9, arbitrary: part(operation.body).map((value) => JSON.stringify(value)) },
    { weight: intent.isHostile ? 1 : 0, arbitrary: rawBody },
  );
  const noHeaders: Record<string, string> = {};
  return fc
    .record({
      params: part(operation.params),
      query: part(operation.query),
      body: operation.body ? body : fc.constant(undefined),
      lastEventId: fc.option(fc.oneof(fc.constantFrom("-1", "-", "0", "7"), fc.string({ unit: "grapheme-ascii" }))),
    })
    .map(
      ({ params, query, body, lastEventId }): RandomRequest => ({
        method: operation.method.toUpperCase(),
        path: fillPath(operation.path, params) + encodeQuery(query),
        body,
        headers: lastEventId === null ? noHeaders : { "last-event-id": lastEventId },
      }),
    );
}

function encode(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return encodeURIComponent((text ?? "").toWellFormed());
}

function fillPath(template: string, params: unknown): string {
  const values = (typeof params === "object" && params !== null ? params : {}) as Record<string, unknown>;
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encode(values[name] ?? "x"));
}

function encodeQuery(query: unknown): string {
  if (typeof query !== "object" || query === null) return "";
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const pairs = given.flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${encode(key)}=${encode(item)}`),
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
