// Values for fast-check from the JSON schemas of the API document: such that fit, and such that nearly do.
import fc from "fast-check";

/** The part of JSON Schema that the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  prefixItems?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  minimum?: number;
  maximum?: number;
}

/** Where references lead, and values for names that mean something here (ids of what exists). */
export interface SchemaContext {
  schemas: Record<string, Schema>;
  valuesOf: (name: string, schema: Schema) => fc.Arbitrary<unknown> | undefined;
}

const DEPTH_MAX = 10;

/** What people and programs send by mistake or on purpose. */
const awkward: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, "", [], {}, 0, -1, 1e308, 2 ** 53, true, "\u0000", "\ud800", "'; drop table run;--"),
  fc.constantFrom<unknown>("x".repeat(10_000), [[[[]]]], { __proto__: null, constructor: 1 }, "2020-13-45T99:99:99Z"),
  fc.jsonValue({ maxDepth: 3 }),
);

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record({ value: fc.jsonValue({ maxDepth: 2 }) }),
  fc.constant({ messages: [{ role: "user", content: "hi" }] }),
);

/** Values for `schema`; with `hostile`, one in six of the parts does not fit. */
export function valuesFor(schema: Schema, context: SchemaContext, hostile: boolean, name = "", depth = 0) {
  const fitting = fittingValues(schema, context, hostile, name, depth);
  return hostile
    ? fc.oneof({ weight: 5, arbitrary: fitting }, { weight: 1, arbitrary: awkward })
    : fc.oneof({ weight: 1, arbitrary: fitting });
}

function fittingValues(
  schema: Schema,
  context: SchemaContext,
  hostile: boolean,
  name: string,
  depth: number,
): fc.Arbitrary<unknown> {
  const known = context.valuesOf(name, schema);
  if (known !== undefined) return known;
  const into = (inner: Schema, innerName = name) => valuesFor(inner, context, hostile, innerName, depth + 1);
  if (depth > DEPTH_MAX) return fc.constant(null);
  if (schema.$ref !== undefined) return into(context.schemas[schema.$ref.split("/").at(-1)!]!);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return fc.oneof(...options.map((option) => into(option)));
  if (schema.allOf !== undefined) return fc.oneof(...schema.allOf.map((option) => into(option)));
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 1) return fc.oneof(...types.map((type) => into({ ...schema, type })));
  switch (types[0]) {
    case "object":
      return objects(schema, into);
    case "array":
      return schema.prefixItems === undefined
        ? fc.array(into(schema.items ?? {}), { maxLength: 3 })
        : fc.tuple(...schema.prefixItems.map((item) => into(item)));
    case "string":
      return strings(schema);
    case "integer":
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 50, 50) });
    case "number":
      return fc.double({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 50, 50), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return anyJson;
  }
}

function objects(schema: Schema, into: (inner: Schema, name?: string) => fc.Arbitrary<unknown>) {
  const fields = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([key, property]) => [key, into(property, key)]),
  );
  const known = fc.record(fields, { requiredKeys: schema.required ?? [] });
  if (schema.additionalProperties === undefined || schema.additionalProperties === false) return known;
  const more = schema.additionalProperties === true ? anyJson : into(schema.additionalProperties, "");
  return fc.tuple(known, fc.dictionary(fc.string({ maxLength: 8 }), more, { maxKeys: 3 })).map(([one, two]) => ({
    ...two,
    ...one,
  }));
}

function strings(schema: Schema): fc.Arbitrary<string> {
  if (schema.format === "uuid") return fc.uuid();
  if (schema.format === "date-time") return fc.constant("2026-01-02T03:04:05.678Z");
  return fc.oneof(
    fc.string({ maxLength: 20, unit: "grapheme" }),
    fc.constantFrom("loose", "value", "pass", "messages"),
  );
}
