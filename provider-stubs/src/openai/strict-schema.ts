// OpenAI's demands on a schema in strict mode: closed objects whose properties are all required.
import type { JsonSchema } from "../conversation.ts";
import { openAiError } from "./errors.ts";

const nestingMax = 10;

/** @throws ProviderError `invalid_json_schema` or `invalid_function_parameters`. */
export function checkStrictSchema(name: string, schema: JsonSchema, where: "response_format" | "function"): void {
  checkPart(name, schema, where, []);
}

function checkPart(name: string, schema: JsonSchema, where: "response_format" | "function", path: string[]): void {
  if (path.length > nestingMax * 2)
    throw schemaError(name, where, path, `nesting deeper than ${nestingMax} is not permitted.`);
  if (schema.type === "object" || schema.properties) {
    if (schema.additionalProperties !== false) {
      throw schemaError(name, where, path, "'additionalProperties' is required to be supplied and to be false.");
    }
    const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
    const required = new Set((schema.required as string[] | undefined) ?? []);
    const missing = Object.keys(properties).find((key) => !required.has(key));
    if (missing !== undefined) {
      const text = `'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'.`;
      throw schemaError(name, where, path, text);
    }
    for (const [key, property] of Object.entries(properties))
      checkPart(name, property, where, [...path, "properties", key]);
  }
  if (schema.items) checkPart(name, schema.items as JsonSchema, where, [...path, "items"]);
}

function schemaError(name: string, where: "response_format" | "function", path: string[], text: string) {
  const context = `In context=(${path.map((part) => `'${part}'`).join(", ")}), ${text}`;
  return where === "function"
    ? openAiError(`Invalid schema for function '${name}': ${context}`, {
        param: "tools[0].function.parameters",
        code: "invalid_function_parameters",
      })
    : openAiError(`Invalid schema for response_format '${name}': ${context}`, {
        param: "response_format",
        code: "invalid_json_schema",
      });
}
