// Budgets of an agent: no call is made that has no room; a cheaper model, an answer or an error instead.
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { HumanMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createModel } from "../models/create-model.ts";
import { type BudgetOptions, budgetMiddleware, isBudgetExceeded } from "./budget-middleware.ts";
import { PriceTable } from "./price-table.ts";
import { costOf, usageOf } from "./thread-usage.ts";

let stub: ProviderStub;
beforeEach(async () => {
  stub = await startOpenAiStub();
  stub.script(() => ({ text: "abcd".repeat(50) }));
});
afterEach(() => stub.close());

const connect = (spec: string) => createModel(spec, { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 });

async function startAgent(options: BudgetOptions) {
  const agent = createAgent({
    model: await connect("openai:gpt-4o"),
    tools: [],
    checkpointer: new MemorySaver(),
    middleware: [budgetMiddleware({ outputTokensReserved: 50, ...options })],
  });
  return (tokens: number) =>
    agent.graph.invoke({ messages: [new HumanMessage("abcd".repeat(tokens))] }, { configurable: { thread_id: "t" } });
}

describe("a budget", () => {
  it("of a thread lets through what fits and refuses what does not, before a call is made", async () => {
    const say = await startAgent({ tokensPerThreadMax: 700 });
    await say(100);
    const used = stub.bill.total();
    await say(100);
    expect(used.inputTokens + used.outputTokens).toBeGreaterThan(150);
    const before = stub.calls.length;
    const failure = await say(100).catch((error: unknown) => error);
    expect(isBudgetExceeded(failure)).toBe(true);
    expect((failure as Error).name).toBe("AgentBudgetError");
    expect(String(failure)).toMatch(
      /token budget of this thread has no room for a call of about \d+ tokens: \d+ of 700 are used/,
    );
    expect(stub.calls.length).toBe(before);
  });

  it("goes on with a cheaper model, up to twice the limit, and then ends with an answer where that is wanted", async () => {
    const cheaperModel = await connect("openai:gpt-4o-mini");
    const say = await startAgent({ tokensPerThreadMax: 400, cheaperModel, onExceeded: "answer" });
    for (let turn = 0; turn < 2; turn++) await say(100);
    const state = await say(400);
    expect(stub.calls.map(({ conversation }) => conversation!.model)).toEqual(["gpt-4o", "gpt-4o-mini"]);
    expect(state.messages.at(-1)!.text).toContain("the budget for this conversation is used up");
  });
});

it("says what a conversation used and cost, and nothing where the price is unknown", async () => {
  const say = await startAgent({});
  const { messages } = await say(100);
  const { inputTokens, outputTokens } = stub.bill.total();
  expect(usageOf(messages)).toMatchObject({ inputTokens, outputTokens });
  // 2.50 and 10 dollars a million tokens (OpenAI's price list, 2025).
  expect(costOf(messages, new PriceTable(), "openai")).toBeCloseTo((inputTokens * 2.5 + outputTokens * 10) / 1e6, 9);
  expect(costOf(messages, new PriceTable(), "nobody")).toBeUndefined();
  expect(costOf(messages, new PriceTable({ "gpt-4o": { input: 1, output: 1 } }), "openai")).toBeCloseTo(
    (inputTokens + outputTokens) / 1e6,
    9,
  );
});
