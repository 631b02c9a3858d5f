// Turns a query string into the types its schema asks for, in every encoding the SDKs have used.
import type { z } from "@hono/zod-openapi";

const TRUE_WORDS = new Set(["true", "1", "yes", "on"]);
const FALSE_WORDS = new Set(["false", "0", "no", "off"]);

interface SchemaDef {
  type: string;
  innerType?: { _zod: { def: SchemaDef } };
  element?: { _zod: { def: SchemaDef } };
  options?: { _zod: { def: SchemaDef } }[];
}

/**
 * The query as an object for `schema`. Lists may be repeated parameters, a JSON array or separated by commas; booleans
 * `true/1/yes/on` and `false/0/no/off` in any case; where a number may stand too, digits are that number. What cannot be
 * converted is left for the schema to refuse.
 */
export function decodeQuery(schema: z.ZodObject, queries: Record<string, string[]>): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.shape)) {
    const texts = queries[name];
    if (texts === undefined || texts.length === 0) continue;
    const value = decodeField(kindsOf(field._zod.def as SchemaDef), texts);
    if (value !== undefined) decoded[name] = value;
  }
  return decoded;
}

/** The types a value may have, wrappers taken off; a list of any texts is "texts". */
function kindsOf(def: SchemaDef): string[] {
  if (def.element?._zod.def.type === "string") return ["texts"];
  if (def.innerType !== undefined) return kindsOf(def.innerType._zod.def);
  if (def.options !== undefined) return def.options.flatMap((option) => kindsOf(option._zod.def));
  return [def.type];
}

function decodeField(kinds: string[], texts: string[]): unknown {
  // Among any texts the empty one says something: `namespace=` is the root graph.
  if (kinds.includes("texts")) return texts.flatMap((text) => (text === "" ? [""] : splitList(text)));
  if (kinds.includes("array")) return texts.flatMap(splitList);
  const text = texts[texts.length - 1]!;
  if (kinds.includes("string")) return text;
  // An empty parameter (`?wait=`) says nothing.
  if (text === "") return undefined;
  if (kinds.includes("enum")) return text;
  if (kinds.includes("number") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (kinds.includes("boolean")) {
    const word = text.toLowerCase();
    if (TRUE_WORDS.has(word)) return true;
    if (FALSE_WORDS.has(word)) return false;
  }
  return text;
}

function splitList(text: string): unknown[] {
  if (text.startsWith("[")) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list)) return list;
    } catch {
      // Not JSON after all: a scalar that happens to start with a bracket.
    }
  }
  if (text.startsWith('"') && text.endsWith('"') && text.length > 1) return [text.slice(1, -1)];
  return text === "" ? [] : text.split(",").map((item) => item.trim());
}
