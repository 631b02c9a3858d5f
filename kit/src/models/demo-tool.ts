// What the demo model knows about a tool: name, description and JSON schema of its parameters.
import type { BindToolsInput } from "@langchain/core/language_models/chat_models";
import { convertToOpenAITool } from "@langchain/core/utils/function_calling";

/** The part of JSON schema that the demo model's rules look at. */
export interface ParameterSchema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  items?: ParameterSchema;
  properties?: Record<string, ParameterSchema>;
  required?: string[];
  anyOf?: ParameterSchema[];
  oneOf?: ParameterSchema[];
}

/** A tool as the demo model sees it. */
export interface DemoTool {
  name: string;
  description: string;
  parameters: ParameterSchema;
}

/** Brings LangChain tools, OpenAI, Anthropic and plain definitions into one shape. */
export function toDemoTool(input: BindToolsInput): DemoTool {
  if (isAnthropicTool(input)) {
    return { name: input.name, description: input.description ?? "", parameters: input.input_schema };
  }
  const definition = convertToOpenAITool(input).function;
  return {
    name: definition.name,
    description: definition.description ?? "",
    parameters: (definition.parameters ?? {}) as ParameterSchema,
  };
}

function isAnthropicTool(
  input: BindToolsInput,
): input is { name: string; description?: string; input_schema: ParameterSchema } {
  return "input_schema" in input && "name" in input && typeof input.name === "string";
}

/** Names of the tool's parameters that take text, required ones first. */
export function textParameters(tool: DemoTool): string[] {
  const required = new Set(tool.parameters.required ?? []);
  return Object.entries(tool.parameters.properties ?? {})
    .filter(([, schema]) => schema.type === "string" || schema.type === undefined)
    .map(([name]) => name)
    .sort((a, b) => Number(required.has(b)) - Number(required.has(a)));
}
