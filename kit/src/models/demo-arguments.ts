// Fills the arguments of any tool from what the user wrote, by plain rules, for tools the demo model has no rule of its own for.
import type { DemoTool, ParameterSchema } from "./demo-tool.ts";

const nestingMax = 8;

/**
 * Arguments that satisfy the tool's schema, taken from `text` where a rule finds something:
 * `name=value` or `name: value` in the text; an enum value that the text names, or whose description shares most words with it;
 * the first number for a number; an e-mail address for a parameter that is called so; the whole text for other text.
 */
export function fillArguments(tool: DemoTool, text: string): Record<string, unknown> {
  const json = findJsonObject(text);
  if (json) return json;
  return fillObject(tool.parameters, text, 0);
}

function fillObject(schema: ParameterSchema, text: string, depth: number): Record<string, unknown> {
  const required = new Set(schema.required ?? []);
  const filled: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const named = findNamedValue(name, text);
    if (named !== undefined) filled[name] = fillValue(property, name, named, depth + 1);
    else if (required.has(name) && property.default === undefined) {
      filled[name] = fillValue(property, name, text, depth + 1);
    }
  }
  return filled;
}

function fillValue(schema: ParameterSchema, name: string, text: string, depth: number): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum?.length) return chooseEnumValue(schema, text);
  const alternative = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (alternative && depth < nestingMax) return fillValue(alternative, name, text, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case "number":
    case "integer":
      return findNumber(text, schema, type === "integer");
    case "boolean":
      return !/\b(no|not|false|never|off)\b/i.test(text);
    case "array":
      return depth < nestingMax && schema.items ? [fillValue(schema.items, name, text, depth + 1)] : [];
    case "object":
      return depth < nestingMax ? fillObject(schema, text, depth + 1) : {};
    case "null":
      return null;
    default:
      return findText(name, text);
  }
}

function findText(name: string, text: string): string {
  if (/e-?mail/i.test(name)) return text.match(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/)?.[0] ?? text;
  return text.match(/"([^"]+)"/)?.[1] ?? text;
}

function findNumber(text: string, schema: ParameterSchema, isInteger: boolean): number {
  const found = Number(text.match(/-?\d+(?:\.\d+)?/)?.[0] ?? schema.minimum ?? 0);
  return isInteger ? Math.trunc(found) : found;
}

/** A description may carry words per value, as in "billing: invoice, refund; technical: error, crash". */
function chooseEnumValue(schema: ParameterSchema, text: string): unknown {
  const values = schema.enum ?? [];
  const words = new Set(wordsOf(text));
  let best = { value: values.at(-1), score: 0 };
  for (const value of values) {
    const label = String(value);
    const hint = schema.description?.match(new RegExp(`\\b${escapeRegExp(label)}\\s*:([^;]*)`, "i"))?.[1] ?? "";
    const named = wordsOf(label).some((word) => words.has(word)) ? 10 : 0;
    const score = named + wordsOf(hint).filter((word) => words.has(word)).length;
    if (score > best.score) best = { value, score };
  }
  return best.value;
}

function findNamedValue(name: string, text: string): string | undefined {
  const match = text.match(new RegExp(`\\b${escapeRegExp(name)}\\s*[=:]\\s*(?:"([^"]*)"|([^\\s,;]+))`, "i"));
  return match?.[1] ?? match?.[2];
}

/** The first JSON object written in the text, if there is one. */
export function findJsonObject(text: string): Record<string, unknown> | undefined {
  const from = text.indexOf("{");
  const to = text.lastIndexOf("}");
  if (from < 0 || to < from) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(from, to + 1));
    return value && typeof value === "object" && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
