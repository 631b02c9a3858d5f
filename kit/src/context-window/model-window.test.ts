// What is known of a model: its window, and how its tokens are counted.
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { describe, expect, it } from "vitest";
import { createModel } from "../models/create-model.ts";
import { createTokenCounter } from "./exact-count.ts";
import { tokenBudgetFor, windowTokensOf } from "./model-window.ts";
import { estimateTokens } from "./token-estimate.ts";

const connect = (spec: string) => createModel(spec, { apiKey: "k", baseUrl: "http://127.0.0.1:9", env: {} });

describe("the window of a model", () => {
  it.each([
    ["openai:gpt-4o", 128_000],
    ["anthropic:claude-sonnet-4-5", 200_000],
    ["openai:our-own-7b", 16_000],
    ["demo", 16_000],
  ])("%s", async (spec, tokens) => {
    const model = await connect(spec);
    expect(windowTokensOf(model)).toBe(tokens);
    expect(tokenBudgetFor(model)).toBe(tokens / 2);
  });
});

describe("counting", () => {
  it("encodes text as OpenAI does, and says that it is exact", async () => {
    const { count, isExact } = await createTokenCounter("openai:gpt-4o");
    expect(isExact).toBe(true);
    // 4 tokens of o200k_base in "hello world!!" (tiktoken's own test strings), 1 of the role, 3 of the format.
    const hello = new HumanMessage("hello world");
    expect(count([hello])).toBe(2 + 1 + 3);
    expect(count([hello, hello])).toBe(2 * count([hello]));
    const older = await createTokenCounter("openai:gpt-4-turbo");
    expect(older.isExact).toBe(true);
  });

  it("counts tool calls and results, counts changed messages anew, and estimates what is no text", async () => {
    const { count } = await createTokenCounter("openai:gpt-4o");
    const message = new AIMessage({ content: "", tool_calls: [{ id: "1", name: "look_up", args: { order: "4711" } }] });
    expect(count([message])).toBeGreaterThan(8);
    expect(count([new ToolMessage({ content: "found", tool_call_id: "1" })])).toBeGreaterThan(4);
    const changing = new HumanMessage("one");
    const before = count([changing]);
    changing.content = "one two three four five";
    expect(count([changing])).toBeGreaterThan(before);
    const image = new HumanMessage({ content: [{ type: "image_url", image_url: { url: "data:x" } }] });
    expect(count([image])).toBe(estimateTokens([image]));
  });

  it.each(["anthropic:claude-sonnet-4-5", "ollama:llama3", "openai:our-own-7b"])(
    "estimates for %s, and says so",
    async (spec) => {
      expect(await createTokenCounter(spec)).toEqual({ count: estimateTokens, isExact: false });
    },
  );
});
