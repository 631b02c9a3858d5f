// Leads the conversation in one of three ways against the wire-format server, and reads from its bill and its requests what was sent.
import {
  contextWindowMiddleware,
  createModel,
  fitHistory,
  historyRepairMiddleware,
  repairHistory,
} from "@holdfast/kit";
import { type ProviderStub, startAnthropicStub, startOpenAiStub } from "@holdfast/provider-stubs";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { type AgentMiddleware, createAgent, createMiddleware } from "langchain";
import { z } from "zod";
import { answerOf, orderRecord, type Turn } from "./conversation.ts";
import { summarise } from "./summary-writer.ts";

export const WAYS = ["full history", "trimming", "kit"] as const;
export type Way = (typeof WAYS)[number];
export const PROVIDERS = ["openai", "anthropic"] as const;
export type Provider = (typeof PROVIDERS)[number];

export interface TokenResult {
  way: Way;
  provider: Provider;
  /** Input tokens of each turn, summaries included, by the server's bill. */
  inputTokensByTurn: number[];
  inputTokens: number;
  /** Share of the input that the provider's cache served. */
  cachedShare: number;
  /** Share of facts that were before the model's eyes when they were asked for. */
  factShare: number;
  missedFacts: string[];
}

const SUMMARY_MARK = "You keep the summary";

/** @param tokensMax budget of the messages for trimming and the kit */
export async function converse(way: Way, provider: Provider, turns: Turn[], tokensMax: number): Promise<TokenResult> {
  await using stub = await (provider === "openai" ? startOpenAiStub() : startAnthropicStub());
  let now = 0;
  stub.script(({ messages }) => {
    const last = messages.at(-1)!;
    if (messages[0]!.text.startsWith(SUMMARY_MARK)) return summarise(last.text);
    const { tool: wanted } = turns[now]!;
    return wanted !== undefined && last.role !== "tool" ? { toolCalls: [wanted] } : answerOf(now);
  });
  const agent = await buildAgent(way, provider, stub, tokensMax);
  const thread = { configurable: { thread_id: "support" }, recursionLimit: 50 };
  const inputTokensByTurn: number[] = [];
  const missedFacts: string[] = [];
  let askedCount = 0;
  for (const [at, turn] of turns.entries()) {
    now = at;
    const [billedBefore, callsBefore] = [stub.bill.total().inputTokens, stub.calls.length];
    await agent.graph.invoke({ messages: [new HumanMessage(turn.text)] }, thread);
    inputTokensByTurn.push(stub.bill.total().inputTokens - billedBefore);
    if (turn.asksFor === undefined) continue;
    askedCount++;
    const asked = stub.calls
      .slice(callsBefore)
      .find(({ conversation }) => !conversation?.messages[0]?.text.startsWith(SUMMARY_MARK));
    const seen = asked?.conversation?.messages.map(({ text }) => text).join("\n") ?? "";
    if (!seen.includes(turn.asksFor.words))
      missedFacts.push(`${turn.asksFor.key} (turn ${turn.asksFor.plantedAt + 1}) in turn ${at + 1}`);
  }
  const { inputTokens, cachedInputTokens } = stub.bill.total();
  return {
    way,
    provider,
    inputTokensByTurn,
    inputTokens,
    cachedShare: cachedInputTokens / inputTokens,
    factShare: 1 - missedFacts.length / Math.max(1, askedCount),
    missedFacts,
  };
}

async function buildAgent(way: Way, provider: Provider, stub: ProviderStub, tokensMax: number) {
  const spec = provider === "openai" ? "openai:gpt-4o" : "anthropic:claude-sonnet-4-5";
  const model = await createModel(spec, { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 });
  const lookUp = tool(({ order }) => orderRecord(order), {
    name: "look_up_order",
    description: "Looks an order up.",
    schema: z.object({ order: z.string() }),
  });
  return createAgent({
    model,
    tools: [lookUp],
    systemPrompt: "You are the support of a shop for camping goods. Answer briefly and kindly.",
    checkpointer: new MemorySaver(),
    middleware: [middlewareOf(way, model, tokensMax), historyRepairMiddleware()],
  });
}

function middlewareOf(way: Way, model: BaseChatModel, tokensMax: number): AgentMiddleware {
  if (way === "full history") return createMiddleware({ name: "FullHistory" });
  if (way === "kit") return contextWindowMiddleware({ summaryModel: model, tokensMax }) as unknown as AgentMiddleware;
  return createMiddleware({
    name: "Trim",
    wrapModelCall: (request, handler) =>
      handler({ ...request, messages: fitHistory(repairHistory(request.messages).messages, { tokensMax }).messages }),
  });
}
