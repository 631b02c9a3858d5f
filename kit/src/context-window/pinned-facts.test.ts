// Pinned facts and cache marks: what stays before the model's eyes, and what Anthropic may keep.
import { startAnthropicStub } from "@holdfast/provider-stubs";
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { expect, it } from "vitest";
import { createModel } from "../models/create-model.ts";
import { markForCache, withCacheMark } from "./cache-control.ts";
import { contextWindowMiddleware } from "./context-window-middleware.ts";
import { factsMessage, mergeFacts, pinFact } from "./pinned-facts.ts";

it("facts are kept once under their id, replaced, and taken away", () => {
  const facts = mergeFacts([], [...pinFact("order", "1").pinnedFacts, ...pinFact("name", "Ada").pinnedFacts]);
  expect(mergeFacts(facts, facts)).toEqual(facts);
  expect(mergeFacts(facts, pinFact("order", "2").pinnedFacts)).toEqual([
    { id: "order", text: "2" },
    { id: "name", text: "Ada" },
  ]);
  expect(mergeFacts(facts, pinFact("order", " ").pinnedFacts)).toEqual([{ id: "name", text: "Ada" }]);
  expect(factsMessage(facts, 1_000)!.text).toBe("Facts to keep in mind throughout:\n- order: 1\n- name: Ada");
  expect(factsMessage(facts, 3)!.text).toBe("Facts to keep in mind throughout:\n- name: Ada");
  expect(factsMessage([], 1_000)).toBeUndefined();
});

it("marks the system prompt and the newest text, and touches nothing that it cannot mark", () => {
  const tool = new ToolMessage({ content: "x", tool_call_id: "1" });
  const messages = [new HumanMessage("one"), new AIMessage("two"), tool];
  const marked = markForCache(new SystemMessage("help"), messages);
  const mark = { cache_control: { type: "ephemeral" } };
  expect(marked.system!.content).toEqual([{ type: "text", text: "help", ...mark }]);
  expect(marked.messages.map(({ content }) => content)).toEqual(["one", [{ type: "text", text: "two", ...mark }], "x"]);
  expect(AIMessage.isInstance(marked.messages[1])).toBe(true);
  expect(messages[1]!.content).toBe("two");
  for (const message of [tool, new AIMessage("")]) expect(withCacheMark(message)).toBe(message);
});

it("pinned facts are in every call's view, and what the view begins with comes from Anthropic's cache", async () => {
  await using stub = await startAnthropicStub();
  stub.script(() => ({ text: "Noted. ".repeat(60) }));
  const model = await createModel("anthropic:claude-sonnet-4-5", {
    apiKey: "test-key",
    baseUrl: stub.url,
    env: {},
    retriesMax: 0,
  });
  const agent = createAgent({
    model,
    tools: [],
    systemPrompt: "You are the support of a shop. ".repeat(40),
    checkpointer: new MemorySaver(),
    middleware: [contextWindowMiddleware({ summaryModel: model, tokensMax: 20_000 })],
  });
  const thread = { configurable: { thread_id: "t" } };
  for (let turn = 0; turn < 8; turn++) {
    const pinned = turn === 0 ? pinFact("order", "48213-A7") : {};
    await agent.graph.invoke(
      { messages: [new HumanMessage(`Turn ${turn}: ${"word ".repeat(200)}`)], ...pinned },
      thread,
    );
  }
  expect(stub.calls.every(({ status }) => status === 200)).toBe(true);
  for (const { conversation } of stub.calls) {
    expect(conversation!.messages.some(({ text }) => text.includes("- order: 48213-A7"))).toBe(true);
  }
  const { inputTokens, cachedInputTokens } = stub.bill.total();
  expect(cachedInputTokens / inputTokens).toBeGreaterThan(0.6);
});
