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

const uuid = fc.oneof(fc.uuid(), fc.constant(mintId()));

/** Values for a schema; one in six is anything at all. */
function valueFor(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 5, arbitrary: fittingValue(schema._zod.def) }, { weight: 1, arbitrary: awkward });
}

function fittingValue(def: SchemaDef): fc.Arbitrary<unknown> {
  switch (def.type) {
    case "optional":
    case "nullable":
    case "default":
      return fc.oneof(valueFor(def.innerType!), fc.constantFrom(null, undefined));
    case "pipe":
      return valueFor(def.in!);
    case "union":
      return fc.oneof(...def.options!.map(valueFor));
    case "object":
      return fc.record(mapValues(def.shape!, valueFor), { requiredKeys: [] });
    case "array":
      return fc.array(valueFor(def.element!), { maxLength: 4 });
    case "tuple":
      return fc.tuple(...def.items!.map(valueFor));
    case "record":
      return fc.dictionary(fc.string({ maxLength: 12 }), valueFor(def.valueType!), { maxKeys: 4 });
    case "enum":
      return fc.constantFrom(...Object.values(def.entries!));
    case "literal":
      return fc.constantFrom(...def.values!);
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.oneof(fc.integer({ min: -5, max: 50 }), fc.double());
    case "string":
      return def.format === "guid" ? uuid : fc.oneof(fc.constant("agent"), uuid, fc.string({ maxLength: 20 }));
    default:
      return awkward;
  }
}

function mapValues<T, U>(object: Record<string, T>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/** Random requests for the operation, some with bodies that are no JSON at all. */
export function requestsFor(operation: Operation): fc.Arbitrary<RandomRequest> {
  const part = (schema: z.ZodType | undefined) =>
    schema === undefined ? fc.constant(undefined) : valueFor(schema as unknown as Schema);
  const rawBody = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("{", "[1,", "\u0000", "nul", '{"a":1e999}'));
  const body = fc.oneof(
    { weight: 9, arbitrary: part(operation.body).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: rawBody },
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
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${encode(key)}=${encode(item)}`),
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
