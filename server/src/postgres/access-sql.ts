// Turns an authorisation rule into a SQL condition, so that what a caller may not see is never read.
import type { AccessFilter, AccessRule } from "../domain/page.ts";
import type { Parameters } from "./statement.ts";

/**
 * The condition under which `metadataColumn` (for example `t.metadata`) satisfies the rule; `true` without a rule.
 * `equals`: the key is there and its value is the same JSON value. `contains`: the key holds an array with all the values.
 */
export function accessCondition(access: AccessFilter, metadataColumn: string, parameters: Parameters): string {
  return access === undefined ? "true" : ruleCondition(access, metadataColumn, parameters);
}

function ruleCondition(rule: AccessRule, column: string, parameters: Parameters): string {
  if ("and" in rule) return joinRules(rule.and, "and", "true", column, parameters);
  if ("or" in rule) return joinRules(rule.or, "or", "false", column, parameters);
  if ("equals" in rule) return equalsCondition(rule.equals.key, rule.equals.value, column, parameters);
  if ("contains" in rule) return containsCondition(rule.contains.key, rule.contains.values, column, parameters);
  // A rule this server does not know shows nothing rather than everything.
  return "false";
}

function joinRules(
  rules: AccessRule[],
  operator: "and" | "or",
  whenEmpty: string,
  column: string,
  parameters: Parameters,
): string {
  if (rules.length === 0) return whenEmpty;
  return `(${rules.map((rule) => ruleCondition(rule, column, parameters)).join(` ${operator} `)})`;
}

function equalsCondition(key: string, value: unknown, column: string, parameters: Parameters): string {
  // JSON leaves `undefined` out: the containment would become `@> {}`, which everything satisfies.
  if (!isJsonValue(value)) return "false";
  const containment = `${column} @> ${parameters.addJson({ [key]: value })}`;
  if (!isComposite(value)) return containment;
  // Containment of an object or array is weaker than equality; it stays in front because the metadata index answers it.
  return `(${containment} and ${column} -> ${parameters.add(key)}::text = ${parameters.addJson(value)})`;
}

function containsCondition(key: string, values: unknown[], column: string, parameters: Parameters): string {
  if (!values.every(isJsonValue)) return "false";
  const containment = `${column} @> ${parameters.addJson({ [key]: values })}`;
  const composites = values.filter(isComposite);
  if (composites.length === 0) return containment;
  const keyPlaceholder = `${parameters.add(key)}::text`;
  // The case guards the function, which fails on anything but an array; PostgreSQL may evaluate an `and` in any order.
  const exact = composites.map(
    (value) =>
      `case when jsonb_typeof(${column} -> ${keyPlaceholder}) = 'array' then ${parameters.addJson(value)} in ` +
      `(select element from jsonb_array_elements(${column} -> ${keyPlaceholder}) as element) else false end`,
  );
  return `(${[containment, ...exact].join(" and ")})`;
}

function isJsonValue(value: unknown): boolean {
  return JSON.stringify(value) !== undefined;
}

function isComposite(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
