// Reads a request of the messages API and refuses what Anthropic refuses.
import { z } from "zod";
import {
  type Conversation,
  type JsonSchema,
  type PromptSegment,
  type StubMessage,
  segment,
  withPromptOverhead,
} from "../conversation.ts";
import { messageOverheadTokens } from "../token-rule.ts";
import {
  type AnthropicBlock,
  type AnthropicMessage,
  block,
  cached,
  textBlock,
  type toolResultBlock,
} from "./content-blocks.ts";
import { anthropicError, anthropicShapeError } from "./errors.ts";
import { checkMessageOrder } from "./message-order.ts";

const cacheBreakpointsMax = 4;

const tool = z.strictObject({
  type: z.literal("custom").nullish(),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal("object") }),
  strict: z.boolean().optional(),
  ...cached,
});

const parallel = { disable_parallel_tool_use: z.boolean().optional() };
const shared = {
  model: z.string().min(1),
  messages: z.array(z.strictObject({ role: z.string(), content: z.union([z.string(), z.array(z.looseObject({}))]) })),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  tools: z.array(tool).optional(),
  tool_choice: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.enum(["auto", "any"]), ...parallel }),
      z.strictObject({ type: z.literal("none") }),
      z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
    ])
    .optional(),
  thinking: z.looseObject({ type: z.enum(["enabled", "disabled", "adaptive"]) }).optional(),
};

const messagesRequest = z.strictObject({
  ...shared,
  max_tokens: z.number().int().min(1),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
  stop_sequences: z.array(z.string()).optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  output_config: z
    .looseObject({
      format: z.looseObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }).nullish(),
    })
    .optional(),
});

const countRequest = z.strictObject(shared);

/** A valid request of the messages API. */
export interface MessagesRequest {
  conversation: Conversation;
  segments: PromptSegment[];
  isStreaming: boolean;
}

/** @throws ProviderError in Anthropic's words. */
export function readMessagesRequest(body: unknown): MessagesRequest {
  const parsed = messagesRequest.safeParse(body);
  if (!parsed.success) throw anthropicShapeError(parsed.error);
  const { max_tokens: outputTokensMax, stream = false, output_config: output } = parsed.data;
  const { conversation, segments } = readPrompt(parsed.data);
  return {
    conversation: { ...conversation, outputTokensMax, responseSchema: output?.format?.schema },
    segments,
    isStreaming: stream,
  };
}

/** Reads a request for counting tokens. @throws ProviderError in Anthropic's words. */
export function readCountRequest(body: unknown): Omit<MessagesRequest, "isStreaming"> {
  const parsed = countRequest.safeParse(body);
  if (!parsed.success) throw anthropicShapeError(parsed.error);
  return readPrompt(parsed.data);
}

function readPrompt(request: z.infer<typeof countRequest>): Omit<MessagesRequest, "isStreaming"> {
  const messages = request.messages.map(readMessage);
  const tools = request.tools ?? [];
  if (new Set(tools.map((one) => one.name)).size < tools.length)
    throw anthropicError("tools: Tool names must be unique.");
  const choice = request.tool_choice;
  if (choice && choice.type !== "none" && tools.length === 0) {
    throw anthropicError("tool_choice may only be specified while providing tools.");
  }
  if (choice?.type === "tool" && !tools.some((one) => one.name === choice.name)) {
    throw anthropicError(`Tool '${choice.name}' not found in provided tools`);
  }
  checkMessageOrder(messages, tools.length > 0);
  const system =
    typeof request.system === "string" ? [{ type: "text" as const, text: request.system }] : (request.system ?? []);
  const segments = readSegments(tools, system, messages);
  const breakpoints = segments.filter((part) => part.isCacheBreakpoint).length;
  if (breakpoints > cacheBreakpointsMax) {
    throw anthropicError(
      `A maximum of ${cacheBreakpointsMax} blocks with cache_control may be provided. Found ${breakpoints}.`,
    );
  }
  const systemMessages: StubMessage[] =
    system.length > 0 ? [{ role: "system", text: system.map((part) => part.text).join("\n") }] : [];
  return {
    conversation: {
      model: request.model,
      messages: [...systemMessages, ...messages.flatMap(toStubMessages)],
      tools: tools.map(({ name, description, input_schema }) => ({
        name,
        description,
        parameters: input_schema as JsonSchema,
      })),
      toolChoice: choice?.type === "tool" ? { name: choice.name } : (choice?.type ?? "auto"),
    },
    segments,
  };
}

function readMessage(message: { role: string; content: string | unknown[] }, index: number): AnthropicMessage {
  const { role } = message;
  if (role === "system") {
    throw anthropicError(
      'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.',
    );
  }
  if (role !== "user" && role !== "assistant") {
    throw anthropicError(`messages.${index}.role: Input should be 'user' or 'assistant'`);
  }
  if (typeof message.content === "string") {
    return { role, blocks: message.content ? [{ type: "text", text: message.content }] : [] };
  }
  const parsed = z.array(block).safeParse(message.content);
  if (!parsed.success) throw anthropicShapeError(parsed.error, ["messages", index, "content"]);
  return { role, blocks: parsed.data };
}

/** Prompt caches see tools first, then the system prompt, then the messages, block by block. */
function readSegments(
  tools: z.infer<typeof tool>[],
  system: z.infer<typeof textBlock>[],
  messages: AnthropicMessage[],
): PromptSegment[] {
  const parts = [
    ...tools.map(({ cache_control: control, ...rest }) => segment(JSON.stringify(rest), 0, Boolean(control))),
    ...system.map((part) => segment(part.text, messageOverheadTokens, Boolean(part.cache_control))),
    ...messages.flatMap(({ blocks }) =>
      blocks.map((part, at) => {
        const isMarked = "cache_control" in part && Boolean(part.cache_control);
        return segment(blockText(part), at === 0 ? messageOverheadTokens : 0, isMarked);
      }),
    ),
  ];
  return withPromptOverhead(parts);
}

function blockText(part: AnthropicBlock): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "tool_use":
      return `${part.name}${JSON.stringify(part.input)}`;
    case "tool_result":
      return resultText(part.content);
    case "thinking":
      return part.thinking;
    case "redacted_thinking":
      return part.data;
    default:
      return `[${part.type}]`;
  }
}

function resultText(content: z.infer<typeof toolResultBlock>["content"]): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => (part.type === "text" ? String(part.text) : `[${part.type}]`)).join("");
}

function toStubMessages({ role, blocks }: AnthropicMessage): StubMessage[] {
  const results = blocks.flatMap((part) =>
    part.type === "tool_result"
      ? [{ role: "tool" as const, text: resultText(part.content), toolCallId: part.tool_use_id }]
      : [],
  );
  const calls = blocks.flatMap((part) =>
    part.type === "tool_use" ? [{ id: part.id, name: part.name, args: JSON.stringify(part.input) }] : [],
  );
  const said = blocks.filter(
    (part) => part.type !== "tool_use" && part.type !== "tool_result" && part.type !== "thinking",
  );
  const text = said.map(blockText).join("");
  if (results.length > 0 && said.length === 0) return results;
  return [...results, { role, text, ...(calls.length > 0 && { toolCalls: calls }) }];
}
