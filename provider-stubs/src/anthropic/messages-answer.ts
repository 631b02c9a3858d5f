// Writes an answer of the messages API, whole or as a stream of events.
import { sumTokens } from "../conversation.ts";
import type { Exchange } from "../exchange.ts";
import { beginGeneration, generate, generateWhole } from "../generation.ts";
import { type PlannedReply, planReply, type ReplyToken } from "../reply.ts";
import type { StubContext, StubModel } from "../stub-server.ts";
import { anthropicError } from "./errors.ts";
import { type MessagesRequest, readCountRequest, readMessagesRequest } from "./messages-request.ts";

type Send = (type: string, fields: object) => Promise<void>;

const stopReasons = { stop: "end_turn", tool_calls: "tool_use", length: "max_tokens" } as const;
const signature = "c3R1Yi1zaWduYXR1cmU=";

/** `POST /v1/messages`. */
export async function answerMessages(exchange: Exchange, context: StubContext): Promise<void> {
  checkVersion(exchange);
  const request = readMessagesRequest(exchange.call.body);
  const plan = await prepareReply(exchange, context, request);
  if (request.isStreaming) await streamMessage(exchange, plan, request.conversation.model);
  else await generateWhole(exchange, plan, () => presentMessage(exchange, plan, request.conversation.model));
}

/** `POST /v1/messages/count_tokens`; costs nothing. */
export function answerCountTokens(exchange: Exchange, context: StubContext): void {
  checkVersion(exchange);
  const request = readCountRequest(exchange.call.body);
  findModel(context, request.conversation.model);
  exchange.sendJson(200, { input_tokens: sumTokens(request.segments) });
}

/** @throws ProviderError 404 `not_found_error`. */
export function findModel(context: StubContext, id: string): StubModel {
  const model = context.models.find((candidate) => candidate.id === id);
  if (model) return model;
  throw anthropicError(`model: ${id}`, 404);
}

function checkVersion(exchange: Exchange): void {
  if (!exchange.call.headers["anthropic-version"]) throw anthropicError("anthropic-version: header is required");
}

async function prepareReply(exchange: Exchange, context: StubContext, request: MessagesRequest): Promise<PlannedReply> {
  const { conversation, segments } = request;
  const model = findModel(context, conversation.model);
  exchange.call.conversation = conversation;
  const inputTokens = sumTokens(segments);
  const outputTokensMax = conversation.outputTokensMax!;
  const window = model.contextWindowTokens;
  if (inputTokens > window) throw anthropicError(`prompt is too long: ${inputTokens} tokens > ${window} maximum`);
  if (inputTokens + outputTokensMax > window) {
    throw anthropicError(
      `input length and \`max_tokens\` exceed context limit: ${inputTokens} + ${outputTokensMax} > ${window}, decrease input length or \`max_tokens\` and try again`,
    );
  }
  const reply = await context.script.next(conversation, exchange.call);
  beginGeneration(exchange, inputTokens, context.cache.readBreakpoints(model.id, segments));
  return planReply(reply, outputTokensMax, (index) => `toolu_${exchange.call.id.replace("-", "")}x${index}`);
}

function presentMessage(exchange: Exchange, plan: PlannedReply, model: string) {
  return {
    id: `msg_${exchange.call.id}`,
    type: "message",
    role: "assistant",
    model,
    content: [
      ...(plan.reasoning ? [{ type: "thinking", thinking: plan.reasoning, signature }] : []),
      ...(plan.text ? [{ type: "text", text: plan.text }] : []),
      ...plan.toolCalls.map((call) => ({
        type: "tool_use",
        id: call.id,
        name: call.name,
        input: parseInput(call.args),
      })),
    ],
    stop_reason: stopReasons[plan.ending],
    stop_sequence: null,
    usage: presentUsage(exchange),
  };
}

/** Without streaming a tool's input is an object even if the model wrote something else or was cut off. */
function parseInput(args: string): unknown {
  try {
    return JSON.parse(args);
  } catch {
    return {};
  }
}

function presentUsage(exchange: Exchange) {
  const usage = exchange.call.usage!;
  return {
    input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWriteTokens, ephemeral_1h_input_tokens: 0 },
    output_tokens: usage.outputTokens,
    service_tier: "standard",
  };
}

async function streamMessage(exchange: Exchange, plan: PlannedReply, model: string): Promise<void> {
  const send: Send = (type, fields) =>
    exchange.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  exchange.openStream("text/event-stream");
  const message = { ...presentMessage(exchange, plan, model), content: [], stop_reason: null };
  await send("message_start", { message });
  await send("ping", {});
  const blocks = new OpenBlock(send);
  for await (const step of generate(exchange, plan)) {
    if (step.kind === "malformed") await exchange.write('event: content_block_delta\ndata: {"type":"content_blo\n\n');
    else if (step.kind === "error-event")
      await send("error", { error: { type: "overloaded_error", message: "Overloaded" } });
    else await blocks.sendToken(step);
  }
  await blocks.close();
  const usage = presentUsage(exchange);
  await send("message_delta", { delta: { stop_reason: stopReasons[plan.ending], stop_sequence: null }, usage });
  await send("message_stop", {});
  exchange.end();
}

/** Keeps one content block open and starts the next when the kind of token changes. */
class OpenBlock {
  private readonly send: Send;
  private index = -1;
  private kind: "thinking" | "text" | "tool_use" | undefined;

  constructor(send: Send) {
    this.send = send;
  }

  async sendToken(token: ReplyToken): Promise<void> {
    switch (token.kind) {
      case "reasoning":
        if (this.kind !== "thinking") await this.open("thinking", { thinking: "", signature: "" });
        return this.sendDelta({ type: "thinking_delta", thinking: token.text });
      case "text":
        if (this.kind !== "text") await this.open("text", { text: "" });
        return this.sendDelta({ type: "text_delta", text: token.text });
      case "call-start":
        await this.open("tool_use", { id: token.id, name: token.name, input: {} });
        return this.sendDelta({ type: "input_json_delta", partial_json: "" });
      case "call-args":
        return this.sendDelta({ type: "input_json_delta", partial_json: token.text });
    }
  }

  async close(): Promise<void> {
    if (this.kind === undefined) return;
    if (this.kind === "thinking") await this.sendDelta({ type: "signature_delta", signature });
    await this.send("content_block_stop", { index: this.index });
    this.kind = undefined;
  }

  private async open(kind: "thinking" | "text" | "tool_use", fields: object): Promise<void> {
    await this.close();
    this.kind = kind;
    this.index++;
    await this.send("content_block_start", { index: this.index, content_block: { type: kind, ...fields } });
  }

  private sendDelta(delta: object): Promise<void> {
    return this.send("content_block_delta", { index: this.index, delta });
  }
}
