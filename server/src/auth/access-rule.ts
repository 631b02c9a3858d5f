// Compiles the filter an authorisation handler returned into the rule that every repository enforces in SQL.
import type { AccessFilter, AccessRule } from "../domain/page.ts";

/** Filters may nest; a deeper one is a mistake. */
const DEPTH_MAX = 20;

/**
 * LangGraph's filters: `{key: value}`, `{key: {$eq: value}}`, `{key: {$contains: value or values}}`, all of them together, and
 * `$and` / `$or` with lists of filters. An empty filter allows everything.
 * @throws TypeError for what is no filter: the request must fail then, not see everything
 */
export function compileFilter(filter: object): AccessFilter {
  const rules = compileEntries(filter, 0);
  if (rules.length === 0) return undefined;
  return rules.length === 1 ? rules[0] : { and: rules };
}

function compileEntries(filter: object, depth: number): AccessRule[] {
  if (depth > DEPTH_MAX) throw new TypeError(`An authorisation filter is nested deeper than ${DEPTH_MAX}.`);
  return Object.entries(filter).flatMap(([key, wanted]): AccessRule[] => {
    if (key === "$and") return [{ and: compileList(key, wanted, depth) }];
    if (key === "$or") return [{ or: compileList(key, wanted, depth) }];
    if (key.startsWith("$")) throw unknownOperator(key);
    return compileKey(key, wanted);
  });
}

function compileList(operator: string, filters: unknown, depth: number): AccessRule[] {
  if (!Array.isArray(filters)) throw new TypeError(`${operator} in an authorisation filter needs a list of filters.`);
  return filters.map((filter: unknown) => {
    if (!isPlainObject(filter)) throw new TypeError(`${operator} in an authorisation filter needs a list of filters.`);
    return { and: compileEntries(filter, depth + 1) };
  });
}

function compileKey(key: string, wanted: unknown): AccessRule[] {
  if (!isPlainObject(wanted) || !Object.keys(wanted).some((each) => each.startsWith("$"))) {
    return [{ equals: { key, value: wanted } }];
  }
  return Object.entries(wanted).map(([operator, operand]): AccessRule => {
    if (operator === "$eq") return { equals: { key, value: operand } };
    if (operator === "$contains") {
      return { contains: { key, values: Array.isArray(operand) ? operand : [operand] } };
    }
    throw unknownOperator(operator);
  });
}

function unknownOperator(operator: string): TypeError {
  return new TypeError(`${operator} is no operator of authorisation filters; there are $eq, $contains, $and and $or.`);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
