// Ollama's chat: newline-delimited JSON, tool calls in one piece, counts at the end.
import { z } from "zod";
import { type Conversation, promptSegments, type StubMessage, sumTokens } from "../conversation.ts";
import type { Exchange } from "../exchange.ts";
import { beginGeneration, generate, generateWhole } from "../generation.ts";
import { type PlannedReply, planReply } from "../reply.ts";
import type { StubContext, StubModel } from "../stub-server.ts";
import { ollamaError } from "./errors.ts";

const toolCall = z.looseObject({
  id: z.string().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()) }),
});

const chatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(
      z.looseObject({
        role: z.string(),
        content: z.string().nullish(),
        thinking: z.string().nullish(),
        images: z.array(z.string()).nullish(),
        tool_calls: z.array(toolCall).nullish(),
        tool_name: z.string().nullish(),
        tool_call_id: z.string().nullish(),
      }),
    )
    .nullish(),
  tools: z
    .array(
      z.looseObject({
        type: z.string(),
        function: z.looseObject({
          name: z.string(),
          description: z.string().nullish(),
          parameters: z.record(z.string(), z.unknown()).nullish(),
        }),
      }),
    )
    .nullish(),
  format: z.union([z.literal(""), z.literal("json"), z.record(z.string(), z.unknown())]).nullish(),
  stream: z.boolean().nullish(),
  think: z.union([z.boolean(), z.enum(["low", "medium", "high"])]).nullish(),
  options: z.looseObject({ num_ctx: z.number().int().nullish(), num_predict: z.number().int().nullish() }).nullish(),
});

type ChatRequest = z.infer<typeof chatRequest>;

const roles = ["system", "user", "assistant", "tool"] as const;

/** `POST /api/chat`. */
export async function answerChat(exchange: Exchange, context: StubContext): Promise<void> {
  const request = readRequest(exchange.call.body);
  const model = findModel(context, request.model);
  if (!request.messages?.length)
    return exchange.sendJson(200, presentChunk(exchange, model, {}, { done: true, done_reason: "load" }));
  const conversation = fitWindow(readConversation(request), request.options?.num_ctx ?? model.contextWindowTokens);
  exchange.call.conversation = conversation;
  const reply = await context.script.next(conversation, exchange.call);
  beginGeneration(exchange, sumTokens(promptSegments(conversation)), { cachedInputTokens: 0, cacheWriteTokens: 0 });
  const plan = planReply(
    reply,
    conversation.outputTokensMax,
    (index) => `call_${exchange.call.id.replace("-", "")}x${index}`,
  );
  if (request.stream ?? true) await streamChat(exchange, model, plan);
  else await generateWhole(exchange, plan, () => presentWhole(exchange, model, plan));
}

/** Names without a tag mean `:latest`, as Ollama reads them. @throws ProviderError 404. */
export function findModel(context: StubContext, name: string): StubModel {
  const tagged = (id: string) => (id.includes(":") ? id : `${id}:latest`);
  const model = context.models.find((candidate) => tagged(candidate.id) === tagged(name));
  if (model) return model;
  throw ollamaError(404, `model '${name}' not found`);
}

function readRequest(body: unknown): ChatRequest {
  const parsed = chatRequest.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String).join(".");
  throw ollamaError(400, path === "model" ? "model is required" : `json: invalid field ${path}: ${issue.message}`);
}

function readConversation(request: ChatRequest): Conversation {
  const predictMax = request.options?.num_predict ?? undefined;
  return {
    model: request.model,
    messages: (request.messages ?? []).map(readMessage),
    tools: (request.tools ?? []).map(({ function: { name, description, parameters } }) => ({
      name,
      description: description ?? undefined,
      parameters: parameters ?? {},
    })),
    toolChoice: "auto",
    responseSchema: typeof request.format === "object" && request.format ? request.format : undefined,
    wantsJson: request.format === "json",
    // Negative values mean "no limit" to Ollama.
    outputTokensMax: predictMax !== undefined && predictMax >= 0 ? predictMax : undefined,
  };
}

function readMessage(message: NonNullable<ChatRequest["messages"]>[number]): StubMessage {
  const role = roles.find((known) => known === message.role.toLowerCase());
  if (!role)
    throw ollamaError(400, `invalid role: "${message.role}", role must be one of [system user assistant tool]`);
  const toolCalls = message.tool_calls?.map((call, index) => ({
    id: call.id ?? `call_${index}`,
    name: call.function.name,
    args: JSON.stringify(call.function.arguments),
  }));
  const text = `${message.content ?? ""}${(message.images ?? []).map(() => "[image]").join("")}`;
  return { role, text, toolCalls, toolCallId: message.tool_call_id ?? message.tool_name ?? undefined };
}

/** Ollama does not refuse a prompt that is too long: it drops the oldest messages, keeping system messages and the last one. */
function fitWindow(conversation: Conversation, windowTokens: number): Conversation {
  let { messages } = conversation;
  while (messages.length > 1 && sumTokens(promptSegments({ ...conversation, messages })) > windowTokens) {
    const dropAt = messages.findIndex((message, index) => message.role !== "system" && index < messages.length - 1);
    if (dropAt < 0) break;
    messages = messages.filter((_, index) => index !== dropAt);
  }
  return { ...conversation, messages };
}

function presentChunk(exchange: Exchange, model: StubModel, message: object, rest: object) {
  const body = exchange.call.body as { model: string };
  const created = new Date(exchange.call.startedAt).toISOString();
  return {
    model: body.model ?? model.id,
    created_at: created,
    message: { role: "assistant", content: "", ...message },
    ...rest,
  };
}

function presentEnd(exchange: Exchange, plan: PlannedReply) {
  const usage = exchange.call.usage!;
  return {
    done: true,
    done_reason: plan.ending === "length" ? "length" : "stop",
    total_duration: 1_000_000,
    load_duration: 0,
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: 1_000_000,
    eval_count: usage.outputTokens,
    eval_duration: 1_000_000,
  };
}

function presentCalls(plan: PlannedReply) {
  const calls = plan.toolCalls.map((call, index) => ({
    id: call.id,
    function: { index, name: call.name, arguments: parseArguments(call.args) },
  }));
  return calls.length > 0 ? { tool_calls: calls } : {};
}

/** Ollama itself parses what the model wrote; what is not an object never becomes a tool call with arguments. */
function parseArguments(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return {};
  }
}

function presentWhole(exchange: Exchange, model: StubModel, plan: PlannedReply) {
  const thinking = plan.reasoning ? { thinking: plan.reasoning } : {};
  return presentChunk(
    exchange,
    model,
    { content: plan.text, ...thinking, ...presentCalls(plan) },
    presentEnd(exchange, plan),
  );
}

async function streamChat(exchange: Exchange, model: StubModel, plan: PlannedReply): Promise<void> {
  const send = (message: object, rest: object) =>
    exchange.write(`${JSON.stringify(presentChunk(exchange, model, message, rest))}\n`);
  exchange.openStream("application/x-ndjson");
  for await (const step of generate(exchange, plan)) {
    if (step.kind === "malformed") await exchange.write('{"model":"broken","message":{"role\n');
    else if (step.kind === "error-event")
      await exchange.write('{"error":"an error was encountered while running the model"}\n');
    else if (step.kind === "text") await send({ content: step.text }, { done: false });
    else if (step.kind === "reasoning") await send({ thinking: step.text }, { done: false });
  }
  if (plan.toolCalls.length > 0) await send(presentCalls(plan), { done: false });
  await send({}, presentEnd(exchange, plan));
  exchange.end();
}
