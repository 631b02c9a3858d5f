// Reads a request of the responses API and refuses what OpenAI refuses.
import { z } from "zod";
import type { Conversation, JsonSchema, StubMessage } from "../conversation.ts";
import { openAiError, openAiShapeError } from "./errors.ts";
import { checkStrictSchema } from "./strict-schema.ts";

const part = z.looseObject({
  type: z.enum(["input_text", "output_text", "input_image", "input_file", "refusal"]),
  text: z.string().optional(),
});
const content = z.union([z.string(), z.array(part)]);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);

const itemShapes = {
  message: z.looseObject({ role: z.enum(["user", "assistant", "system", "developer"]), content }),
  function_call: z.looseObject({ call_id: z.string().min(1), name: toolName, arguments: z.string() }),
  function_call_output: z.looseObject({ call_id: z.string().min(1), output: content }),
  reasoning: z.looseObject({ summary: z.array(z.unknown()) }),
};

type ItemType = keyof typeof itemShapes;
/** An item of a conversation, checked. */
export type ResponsesItem = { [Type in ItemType]: { type: Type } & z.infer<(typeof itemShapes)[Type]> }[ItemType];

const responsesRequest = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.looseObject({})).min(1)]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        name: toolName,
        description: z.string().nullish(),
        parameters: z.record(z.string(), z.unknown()).nullish(),
        strict: z.boolean().nullish(),
      }),
    )
    .optional(),
  tool_choice: z
    .union([z.enum(["none", "auto", "required"]), z.strictObject({ type: z.literal("function"), name: z.string() })])
    .optional(),
  text: z
    .strictObject({
      format: z
        .union([
          z.strictObject({ type: z.enum(["text", "json_object"]) }),
          z.strictObject({
            type: z.literal("json_schema"),
            name: toolName,
            description: z.string().nullish(),
            schema: z.record(z.string(), z.unknown()),
            strict: z.boolean().nullish(),
          }),
        ])
        .optional(),
      verbosity: z.enum(["low", "medium", "high"]).nullish(),
    })
    .nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  store: z.boolean().nullish(),
  max_output_tokens: z.number().int().min(16).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  reasoning: z.looseObject({}).nullish(),
  include: z.array(z.string()).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  service_tier: z.string().nullish(),
});

/** A valid request of the responses API. */
export interface ResponsesRequest {
  conversation: Conversation;
  /** The whole conversation so far, for a later `previous_response_id`. */
  items: ResponsesItem[];
  isStreaming: boolean;
  isStored: boolean;
}

/**
 * @param earlier the conversations of stored responses by response id.
 * @throws ProviderError in OpenAI's words.
 */
export function readResponsesRequest(body: unknown, earlier: Map<string, ResponsesItem[]>): ResponsesRequest {
  const parsed = responsesRequest.safeParse(body);
  if (!parsed.success) throw openAiShapeError(parsed.error);
  const request = parsed.data;
  const items = [...earlierItems(request.previous_response_id, earlier), ...readInput(request.input)];
  checkCallPairs(items);
  const format = request.text?.format;
  const jsonSchema = format?.type === "json_schema" ? format : undefined;
  if (jsonSchema?.strict) checkStrictSchema(jsonSchema.name, jsonSchema.schema, "response_format");
  const instructions: StubMessage[] = request.instructions ? [{ role: "system", text: request.instructions }] : [];
  const choice = request.tool_choice;
  return {
    conversation: {
      model: request.model,
      messages: [...instructions, ...items.flatMap(toStubMessages)],
      tools: (request.tools ?? []).map(({ name, description, parameters }) => ({
        name,
        description: description ?? undefined,
        parameters: (parameters ?? {}) as JsonSchema,
      })),
      toolChoice:
        typeof choice === "object" ? { name: choice.name } : choice === "required" ? "any" : (choice ?? "auto"),
      responseSchema: jsonSchema?.schema,
      wantsJson: format?.type === "json_object",
      outputTokensMax: request.max_output_tokens ?? undefined,
    },
    items,
    isStreaming: request.stream ?? false,
    isStored: request.store ?? true,
  };
}

function earlierItems(id: string | null | undefined, earlier: Map<string, ResponsesItem[]>): ResponsesItem[] {
  if (!id) return [];
  const items = earlier.get(id);
  if (items) return items;
  const message = `Previous response with id '${id}' not found.`;
  throw openAiError(message, { param: "previous_response_id", code: "previous_response_not_found" });
}

function readInput(input: string | Record<string, unknown>[]): ResponsesItem[] {
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return input.map((item, index) => {
    const type = String(item.type ?? "message");
    const shape = itemShapes[type as ItemType];
    if (!shape) {
      const supported = Object.keys(itemShapes)
        .map((name) => `'${name}'`)
        .join(", ");
      const message = `Invalid value: '${type}'. Supported values are: ${supported}.`;
      throw openAiError(message, { param: `input[${index}]`, code: "invalid_value" });
    }
    const parsed = shape.safeParse(item);
    if (!parsed.success) throw openAiShapeError(parsed.error, ["input", index]);
    return { ...parsed.data, type } as ResponsesItem;
  });
}

function checkCallPairs(items: ResponsesItem[]): void {
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const item of items) {
    if (item.type === "function_call") called.add(item.call_id);
    if (item.type !== "function_call_output") continue;
    if (!called.has(item.call_id)) {
      throw openAiError(`No tool call found for function call output with call_id ${item.call_id}.`, {
        param: "input",
      });
    }
    answered.add(item.call_id);
  }
  const open = [...called].find((id) => !answered.has(id));
  if (open !== undefined) throw openAiError(`No tool output found for function call ${open}.`, { param: "input" });
}

function toStubMessages(item: ResponsesItem): StubMessage[] {
  switch (item.type) {
    case "message":
      return [{ role: item.role === "developer" ? "system" : item.role, text: textOf(item.content) }];
    case "function_call":
      return [
        { role: "assistant", text: "", toolCalls: [{ id: item.call_id, name: item.name, args: item.arguments }] },
      ];
    case "function_call_output":
      return [{ role: "tool", text: textOf(item.output), toolCallId: item.call_id }];
    case "reasoning":
      return [];
  }
}

function textOf(value: z.infer<typeof content>): string {
  if (typeof value === "string") return value;
  return value.map((piece) => piece.text ?? `[${piece.type}]`).join("");
}
