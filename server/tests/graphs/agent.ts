// A messages agent over a fake model that streams its answer word by word; "look up ..." makes it call a tool first.
import { setTimeout as sleep } from "node:timers/promises";
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, AIMessageChunk, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs";
import {
  Annotation,
  END,
  type LangGraphRunnableConfig,
  MessagesAnnotation,
  START,
  StateGraph,
} from "@langchain/langgraph";

/** Repeats what it was told, or asks for the tool; `tokenMs` is the pause before each word. */
export class EchoModel extends BaseChatModel {
  readonly #tokenMs: number;

  constructor(tokenMs: number) {
    super({});
    this.#tokenMs = tokenMs;
  }

  _llmType(): string {
    return "echo";
  }

  async _generate(messages: BaseMessage[]): Promise<ChatResult> {
    const text = `You said: ${messages.at(-1)?.content}`;
    return { generations: [{ text, message: new AIMessage(text) }] };
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    const last = messages.at(-1);
    const text = String(last?.content ?? "");
    if (last?.type === "human" && text.startsWith("look up ")) {
      const args = JSON.stringify({ query: text.slice("look up ".length) });
      const call = { name: "look_up", args, id: "call-1", index: 0, type: "tool_call_chunk" as const };
      yield new ChatGenerationChunk({
        text: "",
        message: new AIMessageChunk({ content: "", tool_call_chunks: [call] }),
      });
      return;
    }
    for (const word of `You said: ${text}`.split(/(?<= )/)) {
      if (this.#tokenMs > 0) await sleep(this.#tokenMs, undefined, { signal: options.signal });
      yield new ChatGenerationChunk({ text: word, message: new AIMessageChunk(word) });
      await runManager?.handleLLMNewToken(word);
    }
  }
}

const State = Annotation.Root({ ...MessagesAnnotation.spec, notes: Annotation<Record<string, unknown>> });

async function model(state: typeof State.State, config: LangGraphRunnableConfig) {
  const chunks = await new EchoModel(Number(config.configurable?.token_ms ?? 0)).stream(state.messages, config);
  let whole: AIMessageChunk | undefined;
  for await (const chunk of chunks) whole = whole === undefined ? chunk : whole.concat(chunk);
  const { id, content, tool_calls } = whole!;
  return { messages: [new AIMessage({ id, content, tool_calls })] };
}

function tool(state: typeof State.State) {
  const calls = (state.messages.at(-1) as AIMessage).tool_calls ?? [];
  return {
    messages: calls.map(
      ({ id, name, args }) => new ToolMessage({ tool_call_id: id!, name, content: `found ${args.query}` }),
    ),
  };
}

function hasCalls(state: typeof State.State) {
  return (state.messages.at(-1) as AIMessage).tool_calls?.length ? "tool" : END;
}

/** `configurable.token_ms`: pause before each word. */
export const graph = new StateGraph(State)
  .addNode("agent", model)
  .addNode("tool", tool)
  .addEdge(START, "agent")
  .addConditionalEdges("agent", hasCalls, ["tool", END])
  .addEdge("tool", "agent")
  .compile();

/** The same graph as a node of another. */
export const wrapped = new StateGraph(MessagesAnnotation)
  .addNode("inner", graph)
  .addEdge(START, "inner")
  .addEdge("inner", END)
  .compile();

/** A model whose tokens nobody shall see. */
export const quiet = new StateGraph(MessagesAnnotation)
  .addNode("agent", async ({ messages }, config) => {
    const answer = await new EchoModel(0).withConfig({ tags: ["nostream"] }).invoke(messages, config);
    return { messages: [answer] };
  })
  .addEdge(START, "agent")
  .addEdge("agent", END)
  .compile();
