// Reads single values out of a presented thread by path, for searches that ask for `extract`.
import { z } from "@hono/zod-openapi";
import type { JsonObject } from "../../../domain/json.ts";

/** Paths one search may ask for. */
const PATHS_MAX = 10;

const PATH = /^(values|metadata|config|interrupts)((\.[^.[\]]+)|(\[-?\d{1,9}\]))*$/;

/** `{alias: path}`; a path starts with a field and goes on with `.key` and `[index]`, negative from the end. */
export const extractSchema = z
  .record(z.string(), z.string().regex(PATH, "must look like values.messages[-1].content"))
  .refine((paths) => Object.keys(paths).length <= PATHS_MAX, { error: `at most ${PATHS_MAX} paths` })
  .openapi({ example: { last: "values.messages[-1].content" } });

export function extractPaths(presented: JsonObject, paths: Record<string, string>): JsonObject {
  return Object.fromEntries(Object.entries(paths).map(([alias, path]) => [alias, readPath(presented, path)]));
}

function readPath(root: unknown, path: string): unknown {
  let current: unknown = root;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(-?\d+)\]/g)) {
    if (index !== undefined) current = Array.isArray(current) ? current.at(Number(index)) : undefined;
    else current = readKey(current, key!);
    if (current === undefined) return null;
  }
  return current;
}

function readKey(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as JsonObject)[key]
    : undefined;
}
