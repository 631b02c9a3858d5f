// Conditions on store items: namespaces by prefix and suffix, values by comparison.
import { InvalidRequestError } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { AccessFilter, AccessRule } from "../../domain/page.ts";
import { accessCondition } from "../access-sql.ts";
import type { Parameters } from "../statement.ts";

/** Items whose time is up are gone for every reader, though the sweep has not removed them yet. */
export const IS_LIVE_ITEM = "(i.expires_at is null or i.expires_at > now())";

/**
 * The rule's condition on an item; `alias` names a row with the item's columns. Rules see the value with the item's namespace
 * and key laid over it; where a rule asks for neither, the value itself says the same and need not be put together per row.
 */
export function itemAccess(access: AccessFilter, alias: string, parameters: Parameters): string {
  const document =
    access !== undefined && namesAddress(access)
      ? `(${alias}.value || jsonb_build_object('namespace', to_jsonb(${alias}.namespace), 'key', ${alias}.key))`
      : `${alias}.value`;
  return accessCondition(access, document, parameters);
}

function namesAddress(rule: AccessRule): boolean {
  if ("and" in rule) return rule.and.some(namesAddress);
  if ("or" in rule) return rule.or.some(namesAddress);
  const key = "equals" in rule ? rule.equals.key : "contains" in rule ? rule.contains.key : undefined;
  return key === "namespace" || key === "key";
}

/**
 * All namespaces that begin with these labels, as one range of the primary key: they follow the prefix itself, and the
 * smallest array after them ends in the smallest label greater than the prefix's last.
 */
export function underNamespace(prefix: string[], parameters: Parameters): string {
  const last = prefix.at(-1);
  if (last === undefined) return "true";
  const end = [...prefix.slice(0, -1), `${last}\u0001`];
  return `i.namespace >= ${parameters.add(prefix)}::text[] and i.namespace < ${parameters.add(end)}::text[]`;
}

/** Namespaces that begin (or end) with these labels, `*` standing for any one label. */
export function matchesLabels(labels: string[], side: "prefix" | "suffix", parameters: Parameters): string {
  const conditions = [`cardinality(i.namespace) >= ${labels.length}`];
  for (const [index, label] of labels.entries()) {
    if (label === "*") continue;
    const position = side === "prefix" ? `${index + 1}` : `cardinality(i.namespace) - ${labels.length - index - 1}`;
    conditions.push(`i.namespace[${position}] = ${parameters.add(label)}`);
  }
  return conditions.join(" and ");
}

const COMPARISONS: Record<string, string> = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" };
const OPERATORS = new Set(["$eq", "$ne", "$in", "$nin", ...Object.keys(COMPARISONS)]);

/** Conditions of a filter, one a key and operator. @throws InvalidRequestError for an operand that cannot be compared. */
export function valueConditions(filter: JsonObject, parameters: Parameters): string[] {
  return Object.entries(filter)
    .filter(([, wanted]) => wanted !== undefined)
    .flatMap(([key, wanted]) => {
      const field = `i.value -> ${parameters.add(key)}::text`;
      if (!isOperators(wanted)) return [`${field} = ${parameters.addJson(wanted)}`];
      return Object.entries(wanted).map(([operator, operand]) => compare(field, operator, operand, parameters));
    });
}

/**
 * An empty object is a value like any other: it names no operator.
 * @throws InvalidRequestError for one that nobody knows: taken for a value it would quietly find nothing
 */
function isOperators(wanted: unknown): wanted is JsonObject {
  if (typeof wanted !== "object" || wanted === null || Array.isArray(wanted)) return false;
  const keys = Object.keys(wanted);
  if (!keys.some((key) => key.startsWith("$"))) return false;
  const unknown = keys.find((key) => !OPERATORS.has(key));
  if (unknown === undefined) return true;
  throw new InvalidRequestError(
    `The filter operator ${JSON.stringify(unknown)} is none of ${[...OPERATORS].join(", ")}.`,
  );
}

function compare(field: string, operator: string, operand: unknown, parameters: Parameters): string {
  if (operator === "$eq") return `${field} = ${parameters.addJson(operand ?? null)}`;
  if (operator === "$ne") return `${field} is distinct from ${parameters.addJson(operand ?? null)}`;
  if (operator === "$in" || operator === "$nin") return compareWithList(field, operator, operand, parameters);
  const sign = COMPARISONS[operator];
  // Numbers compare with numbers, texts with texts (by byte, so times in ISO form are in order); nothing else compares.
  const text = `(${field}) #>> '{}'`;
  if (typeof operand === "number") {
    return `case when jsonb_typeof(${field}) = 'number' then (${text})::numeric ${sign} ${parameters.add(operand)}::numeric else false end`;
  }
  if (typeof operand === "string") {
    return `case when jsonb_typeof(${field}) = 'string' then (${text}) collate "C" ${sign} ${parameters.add(operand)} else false end`;
  }
  throw new InvalidRequestError(`The filter operator ${operator} needs a number or a text.`);
}

function compareWithList(field: string, operator: "$in" | "$nin", operand: unknown, parameters: Parameters): string {
  if (!Array.isArray(operand)) throw new InvalidRequestError(`The filter operator ${operator} needs a list.`);
  const isIn = `coalesce(${field} in (select jsonb_array_elements(${parameters.addJson(operand)})), false)`;
  return operator === "$in" ? isIn : `not ${isIn}`;
}
