// Writes an answer of the responses API, whole or as a stream of typed, numbered events.
import type { Exchange } from "../exchange.ts";
import { generate, generateWhole } from "../generation.ts";
import type { PlannedReply, ReplyToken } from "../reply.ts";
import type { StubContext } from "../stub-server.ts";
import { prepareReply } from "./prompt.ts";
import { type ResponsesItem, readResponsesRequest } from "./responses-request.ts";

type Send = (type: string, fields: object) => Promise<void>;
type OutputItem = Record<string, unknown> & { id: string; type: string };

/** `POST /v1/responses`. */
export async function answerResponses(
  exchange: Exchange,
  context: StubContext,
  earlier: Map<string, ResponsesItem[]>,
): Promise<void> {
  const request = readResponsesRequest(exchange.call.body, earlier);
  const plan = await prepareReply(exchange, context, request.conversation);
  const { model } = request.conversation;
  const output = presentOutput(exchange, plan);
  if (request.isStreaming) await streamResponse(exchange, plan, output, model);
  else await generateWhole(exchange, plan, () => presentResponse(exchange, plan, output, model));
  if (request.isStored)
    earlier.set(`resp_${exchange.call.id}`, [...request.items, ...(output as unknown as ResponsesItem[])]);
}

function presentOutput(exchange: Exchange, plan: PlannedReply): OutputItem[] {
  const { id } = exchange.call;
  const output: OutputItem[] = [];
  if (plan.reasoning)
    output.push({ id: `rs_${id}`, type: "reasoning", summary: [{ type: "summary_text", text: plan.reasoning }] });
  if (plan.text || plan.toolCalls.length === 0) {
    const content = [{ type: "output_text", text: plan.text, annotations: [], logprobs: [] }];
    output.push({ id: `msg_${id}`, type: "message", status: "completed", role: "assistant", content });
  }
  for (const [index, call] of plan.toolCalls.entries()) {
    const named = { call_id: call.id, name: call.name, arguments: call.args };
    output.push({ id: `fc_${id}x${index}`, type: "function_call", status: "completed", ...named });
  }
  return output;
}

function presentResponse(exchange: Exchange, plan: PlannedReply, output: OutputItem[], model: string, isDone = true) {
  const isCut = plan.ending === "length";
  return {
    id: `resp_${exchange.call.id}`,
    object: "response",
    created_at: Math.floor(exchange.call.startedAt / 1000),
    status: !isDone ? "in_progress" : isCut ? "incomplete" : "completed",
    error: null,
    incomplete_details: isDone && isCut ? { reason: "max_output_tokens" } : null,
    instructions: null,
    metadata: {},
    model,
    output: isDone ? output : [],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    usage: isDone ? presentUsage(exchange) : null,
  };
}

function presentUsage(exchange: Exchange) {
  const usage = exchange.call.usage!;
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

async function streamResponse(
  exchange: Exchange,
  plan: PlannedReply,
  output: OutputItem[],
  model: string,
): Promise<void> {
  let sequenceNumber = 0;
  const send: Send = (type, fields) =>
    exchange.write(
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequenceNumber++, ...fields })}\n\n`,
    );
  exchange.openStream("text/event-stream");
  const started = presentResponse(exchange, plan, output, model, false);
  await send("response.created", { response: started });
  await send("response.in_progress", { response: started });
  let openAt = -1;
  for await (const step of generate(exchange, plan)) {
    if (step.kind === "malformed")
      await exchange.write('event: response.output_text.delta\ndata: {"type":"response.outp\n\n');
    else if (step.kind === "error-event") {
      await send("error", {
        code: "server_error",
        message: "The server had an error while processing your request.",
        param: null,
      });
    } else {
      const index = output.findIndex((item) => item.id === itemIdOf(step, exchange));
      for (; openAt < index; openAt++) {
        if (openAt >= 0) await closeItem(send, output[openAt]!, openAt);
        await openItem(send, output[openAt + 1]!, openAt + 1);
      }
      await sendToken(send, step, output[index]!, index);
    }
  }
  for (; openAt < output.length; openAt++) {
    if (openAt >= 0) await closeItem(send, output[openAt]!, openAt);
    if (openAt + 1 < output.length) await openItem(send, output[openAt + 1]!, openAt + 1);
  }
  const ended = presentResponse(exchange, plan, output, model);
  await send(ended.status === "incomplete" ? "response.incomplete" : "response.completed", { response: ended });
  exchange.end();
}

function itemIdOf(token: ReplyToken, exchange: Exchange): string {
  if (token.kind === "call-start" || token.kind === "call-args") return `fc_${exchange.call.id}x${token.index}`;
  return token.kind === "reasoning" ? `rs_${exchange.call.id}` : `msg_${exchange.call.id}`;
}

async function openItem(send: Send, item: OutputItem, index: number): Promise<void> {
  const at = { item_id: item.id, output_index: index };
  if (item.type === "reasoning") {
    await send("response.output_item.added", { output_index: index, item: { ...item, summary: [] } });
    await send("response.reasoning_summary_part.added", {
      ...at,
      summary_index: 0,
      part: { type: "summary_text", text: "" },
    });
  } else if (item.type === "message") {
    await send("response.output_item.added", {
      output_index: index,
      item: { ...item, status: "in_progress", content: [] },
    });
    const part = { type: "output_text", text: "", annotations: [], logprobs: [] };
    await send("response.content_part.added", { ...at, content_index: 0, part });
  } else {
    await send("response.output_item.added", {
      output_index: index,
      item: { ...item, status: "in_progress", arguments: "" },
    });
  }
}

async function sendToken(send: Send, token: ReplyToken, item: OutputItem, index: number): Promise<void> {
  const at = { item_id: item.id, output_index: index };
  if (token.kind === "reasoning") {
    await send("response.reasoning_summary_text.delta", { ...at, summary_index: 0, delta: token.text });
  } else if (token.kind === "text") {
    await send("response.output_text.delta", { ...at, content_index: 0, delta: token.text, logprobs: [] });
  } else if (token.kind === "call-args") {
    await send("response.function_call_arguments.delta", { ...at, delta: token.text });
  }
}

async function closeItem(send: Send, item: OutputItem, index: number): Promise<void> {
  const at = { item_id: item.id, output_index: index };
  if (item.type === "reasoning") {
    const [part] = item.summary as { text: string }[];
    await send("response.reasoning_summary_text.done", { ...at, summary_index: 0, text: part!.text });
    await send("response.reasoning_summary_part.done", { ...at, summary_index: 0, part });
  } else if (item.type === "message") {
    const [part] = item.content as { text: string }[];
    await send("response.output_text.done", { ...at, content_index: 0, text: part!.text, logprobs: [] });
    await send("response.content_part.done", { ...at, content_index: 0, part });
  } else {
    await send("response.function_call_arguments.done", { ...at, name: item.name, arguments: item.arguments });
  }
  await send("response.output_item.done", { output_index: index, item });
}
