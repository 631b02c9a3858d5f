// Structured output for any model that can call tools: one forced call of a tool whose arguments have the wanted shape.
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from "@langchain/core/language_models/base";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { type Runnable, RunnableLambda } from "@langchain/core/runnables";

interface SchemaLike {
  type?: unknown;
  title?: string;
  properties?: unknown;
  parseAsync?: (value: unknown) => Promise<Record<string, unknown>>;
}

/**
 * Makes a model answer in the shape of `schema`, a zod schema or a JSON schema of an object. A zod schema also checks the answer.
 * @throws when run, if the model made no such call or its arguments do not fit.
 */
export function structuredByTool(
  model: BaseChatModel,
  schema: SchemaLike,
  config?: StructuredOutputMethodOptions<boolean>,
): Runnable<BaseLanguageModelInput, Record<string, unknown>> {
  const name = config?.name ?? schema.title ?? "extract";
  const description = "Gives the structured answer.";
  const isJsonSchema =
    schema.type === "object" && schema.properties !== undefined && typeof schema.parseAsync !== "function";
  const tool = isJsonSchema
    ? { type: "function", function: { name, description, parameters: schema } }
    : { name, description, schema };
  const parse = async (raw: BaseMessage): Promise<Record<string, unknown>> => {
    const args = AIMessage.isInstance(raw) ? raw.tool_calls?.find((call) => call.name === name)?.args : undefined;
    if (!args) throw new Error(`The model gave no structured answer "${name}".`);
    const parsed = schema.parseAsync ? await schema.parseAsync(args) : args;
    return config?.includeRaw ? { raw, parsed } : parsed;
  };
  return model.bindTools!([tool], { tool_choice: name }).pipe(RunnableLambda.from(parse));
}
