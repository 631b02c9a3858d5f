// A deterministic, offline chat model: streams and calls tools by plain rules, and says what it is.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { BaseLanguageModelInput, StructuredOutputMethodOptions } from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BaseChatModelParams,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage, type UsageMetadata } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import type { Runnable } from "@langchain/core/runnables";
import { type DemoReply, decideReply } from "./demo-reply.ts";
import { type DemoTool, toDemoTool } from "./demo-tool.ts";
import { structuredByTool } from "./structured-output.ts";

/** Settings of the demo model. */
export interface DemoChatModelParams extends BaseChatModelParams {
  /** Pause before each token, in milliseconds. @default 0 */
  tokenDelayMs?: number;
}

/** Call options of the demo model: the tools bound to it. */
export interface DemoChatModelCallOptions extends BaseChatModelCallOptions {
  tools?: BindToolsInput[];
}

/**
 * The demo model. Its answers depend on the messages, the tools and the tool choice alone. A token is a word with the space
 * before it; usage counts these. Tool call ids are derived from the conversation, so they repeat exactly in a repeated run.
 */
export class DemoChatModel extends BaseChatModel<DemoChatModelCallOptions> {
  private readonly tokenDelayMs: number;

  constructor(fields: DemoChatModelParams = {}) {
    super(fields);
    this.tokenDelayMs = fields.tokenDelayMs ?? 0;
  }

  static override lc_name(): string {
    return "DemoChatModel";
  }

  override _llmType(): string {
    return "holdfast-demo";
  }

  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    return { ls_model_type: "chat", ls_provider: "holdfast", ls_model_name: "demo", ls_stop: options.stop };
  }

  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<DemoChatModelCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, DemoChatModelCallOptions> {
    return this.withConfig({ ...kwargs, tools });
  }

  /** Structured output by one forced call of a tool that has the wanted schema; arguments are filled by plain rules. */
  // biome-ignore lint/suspicious/noExplicitAny: the base class's overloads tie the result to three kinds of schema
  override withStructuredOutput(schema: any, config?: StructuredOutputMethodOptions<boolean>): any {
    return structuredByTool(this, schema, config);
  }

  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): Promise<ChatResult> {
    let whole: ChatGenerationChunk | undefined;
    for await (const chunk of this._streamResponseChunks(messages, options, runManager)) {
      whole = whole ? whole.concat(chunk) : chunk;
    }
    const chunk = whole!.message as AIMessageChunk;
    const message = new AIMessage({
      content: chunk.content,
      tool_calls: chunk.tool_calls,
      response_metadata: { ...chunk.response_metadata, ...whole!.generationInfo },
      usage_metadata: chunk.usage_metadata,
    });
    return { generations: [{ text: whole!.text, message }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const tools = (options.tools ?? []).map(toDemoTool);
    const reply = decideReply(messages, tools, options.tool_choice);
    let outputCount = 0;
    for (const chunk of replyChunks(reply, messages)) {
      options.signal?.throwIfAborted();
      if (this.tokenDelayMs > 0) await sleep(this.tokenDelayMs, undefined, { signal: options.signal });
      outputCount++;
      yield chunk;
      await runManager?.handleLLMNewToken(chunk.text, undefined, undefined, undefined, undefined, { chunk });
    }
    options.signal?.throwIfAborted();
    const usage = countUsage(messages, tools, outputCount);
    const ending = {
      model_name: "demo",
      model_provider: "holdfast",
      finish_reason: reply.toolCalls.length > 0 ? "tool_calls" : "stop",
    };
    yield new ChatGenerationChunk({
      text: "",
      message: new AIMessageChunk({ content: "", usage_metadata: usage, response_metadata: ending }),
    });
  }
}

function* replyChunks(reply: DemoReply, messages: BaseMessage[]): Generator<ChatGenerationChunk> {
  for (const token of splitTokens(reply.text)) {
    yield new ChatGenerationChunk({ text: token, message: new AIMessageChunk({ content: token }) });
  }
  for (const [index, call] of reply.toolCalls.entries()) {
    const id = toolCallId(messages, index);
    const pieces = splitTokens(JSON.stringify(call.args));
    yield toolCallChunk({ index, id, name: call.name, args: pieces[0] ?? "" });
    for (const args of pieces.slice(1)) yield toolCallChunk({ index, args });
  }
}

function toolCallChunk(part: { index: number; id?: string; name?: string; args: string }): ChatGenerationChunk {
  const message = new AIMessageChunk({ content: "", tool_call_chunks: [{ type: "tool_call_chunk", ...part }] });
  return new ChatGenerationChunk({ text: "", message });
}

function toolCallId(messages: BaseMessage[], index: number): string {
  const hash = createHash("sha256");
  for (const message of messages) hash.update(`${message.type}\u0000${message.id ?? ""}\u0000${message.text}\u0000`);
  return `call_demo_${hash.update(`${messages.length}:${index}`).digest("hex").slice(0, 16)}`;
}

function countUsage(messages: BaseMessage[], tools: DemoTool[], outputCount: number): UsageMetadata {
  const spoken = messages.map((message) => {
    const calls = AIMessage.isInstance(message) && message.tool_calls?.length ? JSON.stringify(message.tool_calls) : "";
    return `${message.text} ${calls}`;
  });
  const texts = [...spoken, ...tools.map((tool) => JSON.stringify(tool))];
  const inputCount = texts.reduce((sum, text) => sum + splitTokens(text).length, 0);
  return { input_tokens: inputCount, output_tokens: outputCount, total_tokens: inputCount + outputCount };
}

/** A word with the white space before it; white space at the end is a token of its own, so that nothing is lost. */
function splitTokens(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
