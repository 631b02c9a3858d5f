// Writes a chat completions answer, whole or as a stream of server-sent events.
import type { Exchange } from "../exchange.ts";
import { type GenerationStep, generate, generateWhole } from "../generation.ts";
import type { PlannedReply } from "../reply.ts";
import type { StubContext } from "../stub-server.ts";
import { readChatRequest } from "./chat-request.ts";
import { prepareReply } from "./prompt.ts";

const fingerprint = "fp_holdfast_stub";

/** `POST /v1/chat/completions`. */
export async function answerChat(exchange: Exchange, context: StubContext): Promise<void> {
  const request = readChatRequest(exchange.call.body);
  const plan = await prepareReply(exchange, context, request.conversation);
  const { model } = request.conversation;
  if (request.isStreaming) await streamChat(exchange, plan, model, request.includesUsage);
  else await generateWhole(exchange, plan, () => presentCompletion(exchange, plan, model));
}

function presentHead(exchange: Exchange, model: string, object: string) {
  const created = Math.floor(exchange.call.startedAt / 1000);
  return {
    id: `chatcmpl-${exchange.call.id}`,
    object,
    created,
    model,
    service_tier: "default",
    system_fingerprint: fingerprint,
  };
}

function presentCompletion(exchange: Exchange, plan: PlannedReply, model: string) {
  const toolCalls = plan.toolCalls.map((call) => ({
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: call.args },
  }));
  const content = plan.text || toolCalls.length === 0 ? plan.text : null;
  const message = {
    role: "assistant",
    content,
    refusal: null,
    annotations: [],
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
  const choice = { index: 0, message, logprobs: null, finish_reason: plan.ending };
  return { ...presentHead(exchange, model, "chat.completion"), choices: [choice], usage: presentUsage(exchange) };
}

function presentUsage(exchange: Exchange) {
  const usage = exchange.call.usage!;
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

async function streamChat(
  exchange: Exchange,
  plan: PlannedReply,
  model: string,
  includesUsage: boolean,
): Promise<void> {
  const head = presentHead(exchange, model, "chat.completion.chunk");
  const nothingYet = includesUsage ? { usage: null } : {};
  const send = (delta: object, finishReason: string | null = null) => {
    const choice = { index: 0, delta, logprobs: null, finish_reason: finishReason };
    return exchange.write(`data: ${JSON.stringify({ ...head, choices: [choice], ...nothingYet })}\n\n`);
  };
  exchange.openStream("text/event-stream");
  await send({ role: "assistant", content: plan.toolCalls.length > 0 && !plan.text ? null : "", refusal: null });
  for await (const step of generate(exchange, plan)) {
    if (step.kind === "malformed") await exchange.write('data: {"id":"chatcmpl-broken","choices":[{"delta":\n\n');
    else if (step.kind === "error-event") await exchange.write(`data: ${JSON.stringify(streamError)}\n\n`);
    else {
      const delta = presentDelta(step);
      if (delta) await send(delta);
    }
  }
  await send({}, plan.ending);
  if (includesUsage) {
    await exchange.write(`data: ${JSON.stringify({ ...head, choices: [], usage: presentUsage(exchange) })}\n\n`);
  }
  await exchange.write("data: [DONE]\n\n");
  exchange.end();
}

const streamError = {
  error: {
    message: "The server had an error while processing your request. Sorry about that!",
    type: "server_error",
    param: null,
    code: null,
  },
};

/** Reasoning is billed but not shown by chat completions. */
function presentDelta(step: GenerationStep): object | undefined {
  switch (step.kind) {
    case "text":
      return { content: step.text };
    case "call-start":
      return {
        tool_calls: [
          { index: step.index, id: step.id, type: "function", function: { name: step.name, arguments: "" } },
        ],
      };
    case "call-args":
      return { tool_calls: [{ index: step.index, function: { arguments: step.text } }] };
  }
}
