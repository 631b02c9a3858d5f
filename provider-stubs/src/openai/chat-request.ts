// Reads a chat completions request and refuses what OpenAI refuses.
import { z } from "zod";
import type { Conversation, JsonSchema, StubMessage } from "../conversation.ts";
import { checkToolPairs } from "./chat-tool-pairs.ts";
import { openAiError, openAiShapeError } from "./errors.ts";
import { checkStrictSchema } from "./strict-schema.ts";

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const mediaPart = z.looseObject({ type: z.enum(["image_url", "input_audio", "file", "refusal"]) });
const content = z.union([z.string(), z.array(z.union([textPart, mediaPart])).min(1)]);
const named = { name: z.string().optional() };
const functionCall = z.strictObject({ name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/), arguments: z.string() });
const toolCall = z.strictObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: functionCall,
  index: z.number().optional(),
});

const messageShapes = {
  developer: z.strictObject({ role: z.literal("developer"), content, ...named }),
  system: z.strictObject({ role: z.literal("system"), content, ...named }),
  user: z.strictObject({ role: z.literal("user"), content, ...named }),
  assistant: z.strictObject({
    role: z.literal("assistant"),
    content: content.nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(toolCall).min(1).optional(),
    audio: z.unknown().optional(),
    ...named,
  }),
  tool: z.strictObject({ role: z.literal("tool"), content, tool_call_id: z.string(), ...named }),
};

type ChatMessage = {
  [Role in keyof typeof messageShapes]: z.infer<(typeof messageShapes)[Role]>;
}[keyof typeof messageShapes];

const functionTool = z.strictObject({
  type: z.literal("function"),
  function: z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
    strict: z.boolean().nullish(),
  }),
});

const responseFormat = z.union([
  z.strictObject({ type: z.enum(["text", "json_object"]) }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
      description: z.string().optional(),
      schema: z.record(z.string(), z.unknown()).optional(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const chatRequest = z.strictObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  tools: z.array(functionTool).min(1).max(128).optional(),
  tool_choice: z
    .union([
      z.enum(["none", "auto", "required"]),
      z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: z.string() }) }),
    ])
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  response_format: responseFormat.optional(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  n: z.number().int().min(1).max(1, "this stub gives one choice only").nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  seed: z.number().int().nullish(),
  user: z.string().optional(),
  safety_identifier: z.string().optional(),
  prompt_cache_key: z.string().optional(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.boolean().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]).nullish(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
  service_tier: z.string().nullish(),
  modalities: z.array(z.string()).nullish(),
});

/** A valid chat completions request. */
export interface ChatRequest {
  conversation: Conversation;
  isStreaming: boolean;
  includesUsage: boolean;
}

/** @throws ProviderError in OpenAI's words. */
export function readChatRequest(body: unknown): ChatRequest {
  const parsed = chatRequest.safeParse(body);
  if (!parsed.success) throw openAiShapeError(parsed.error);
  const request = parsed.data;
  const messages = request.messages.map(readMessage);
  checkToolPairs(messages);
  checkOptions(request);
  const format = request.response_format;
  if (format?.type === "json_object" && !messages.some((message) => /json/i.test(textOf(message.content)))) {
    const message =
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
    throw openAiError(message, { param: "messages" });
  }
  const jsonSchema = format?.type === "json_schema" ? format.json_schema : undefined;
  if (jsonSchema?.strict) checkStrictSchema(jsonSchema.name, jsonSchema.schema ?? {}, "response_format");
  return {
    conversation: {
      model: request.model,
      messages: messages.map(toStubMessage),
      tools: (request.tools ?? []).map(({ function: { name, description, parameters } }) => ({
        name,
        description,
        parameters: (parameters ?? {}) as JsonSchema,
      })),
      toolChoice: readToolChoice(request.tool_choice),
      responseSchema: jsonSchema?.schema,
      wantsJson: format?.type === "json_object",
      outputTokensMax: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    },
    isStreaming: request.stream ?? false,
    includesUsage: request.stream_options?.include_usage ?? false,
  };
}

function readMessage(message: Record<string, unknown>, index: number): ChatMessage {
  const role = String(message.role);
  const shape = messageShapes[role as keyof typeof messageShapes];
  if (!shape) {
    const message = `Invalid value: '${role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.`;
    throw openAiError(message, { param: `messages[${index}].role`, code: "invalid_value" });
  }
  const hasCalls = role === "assistant" && (message.tool_calls !== undefined || message.refusal || message.audio);
  if ((message.content === null || message.content === undefined) && !hasCalls) {
    const text = "Invalid value for 'content': expected a string, got null.";
    throw openAiError(text, { param: `messages.[${index}].content` });
  }
  const parsed = shape.safeParse(message);
  if (!parsed.success) throw openAiShapeError(parsed.error, ["messages", index]);
  return parsed.data;
}

function checkOptions(request: z.infer<typeof chatRequest>): void {
  if (request.stream_options && !request.stream) {
    throw openAiError("The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: "stream_options",
    });
  }
  if (request.max_tokens && request.max_completion_tokens) {
    throw openAiError("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
  }
  if (!request.tools) {
    for (const name of ["tool_choice", "parallel_tool_calls"] as const) {
      if (request[name] === undefined) continue;
      throw openAiError(`Invalid value for '${name}': '${name}' is only allowed when 'tools' are specified.`, {
        param: name,
      });
    }
  }
  const choice = request.tool_choice;
  if (typeof choice === "object" && !request.tools?.some((tool) => tool.function.name === choice.function.name)) {
    throw openAiError(`Tool choice '${choice.function.name}' not found in 'tools' parameter.`, {
      param: "tool_choice",
    });
  }
  for (const { function: tool } of request.tools ?? []) {
    if (tool.strict) checkStrictSchema(tool.name, (tool.parameters ?? {}) as JsonSchema, "function");
  }
}

function readToolChoice(choice: z.infer<typeof chatRequest>["tool_choice"]): Conversation["toolChoice"] {
  if (typeof choice === "object") return { name: choice.function.name };
  return choice === "required" ? "any" : (choice ?? "auto");
}

function toStubMessage(message: ChatMessage): StubMessage {
  const text = textOf(message.content);
  if (message.role === "tool") return { role: "tool", text, toolCallId: message.tool_call_id };
  if (message.role !== "assistant") return { role: message.role === "user" ? "user" : "system", text };
  const toolCalls = message.tool_calls?.map((call) => ({
    id: call.id,
    name: call.function.name,
    args: call.function.arguments,
  }));
  return { role: "assistant", text, toolCalls };
}

function textOf(value: ChatMessage["content"]): string {
  if (typeof value === "string") return value;
  return (value ?? []).map((part) => (part.type === "text" ? String(part.text) : `[${part.type}]`)).join("");
}
