// What is tested against stubs elsewhere, against the real providers: only on request (HOLDFAST_TEST_REAL_PROVIDERS=1), as it costs money,
// and for those whose key or address is set.
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { historyRepairMiddleware } from "../context-window/history-repair-middleware.ts";
import { toolGuardMiddleware } from "../tools/tool-guard-middleware.ts";
import { createModel } from "./create-model.ts";
import { createModelChain } from "./model-chain.ts";
import { readProviderEnv } from "./provider-env.ts";
import { structuredAnswer } from "./structured-answer.ts";

const isRequested = process.env.HOLDFAST_TEST_REAL_PROVIDERS === "1";
const { openaiApiKey, anthropicApiKey, ollamaHost, model } = readProviderEnv();

const available: [string, boolean][] = [
  ["openai:gpt-4o-mini", openaiApiKey !== undefined],
  ["anthropic:claude-haiku-4-5", anthropicApiKey !== undefined],
  [model?.startsWith("ollama:") ? model : "ollama:llama3.2", ollamaHost !== undefined],
];
const specs = isRequested ? available.flatMap(([spec, isThere]) => (isThere ? [spec] : [])) : [];

it("real providers are asked on request only", () => {
  expect(specs.length === 0 || isRequested).toBe(true);
});

describe.each(specs)("%s", (spec) => {
  it("answers, streams and reports what it used", async () => {
    const chain = await createModelChain([spec as `${string}`]);
    let text = "";
    let reported = 0;
    for await (const chunk of await chain.stream([new HumanMessage("Say the word tent and nothing else.")])) {
      text += chunk.text;
      reported += chunk.usage_metadata?.input_tokens ?? 0;
    }
    expect(text.toLowerCase()).toContain("tent");
    expect(reported).toBeGreaterThan(5);
  }, 60_000);

  it("calls tools, hears of a mistake, and accepts the history", async () => {
    const seats: number[] = [];
    const book = tool(
      ({ count }) => {
        seats.push(count);
        if (seats.length === 1) throw new Error("the system is busy, call once more");
        return `booked ${count}`;
      },
      { name: "book", description: "Books seats.", schema: z.object({ count: z.number() }) },
    );
    const agent = createAgent({
      model: await createModel(spec),
      tools: [book],
      middleware: [toolGuardMiddleware(), historyRepairMiddleware()],
    });
    const first = await agent.invoke({
      messages: [new HumanMessage("Book 3 seats with the tool. If it is busy, try again.")],
    });
    expect(seats).toContain(3);
    const second = await agent.invoke({ messages: [...first.messages, new HumanMessage("How many did I want?")] });
    expect(second.messages.at(-1)!.text).toMatch(/3|three/i);
  }, 120_000);

  it("gives structured answers", async () => {
    const shape = z.object({ city: z.string(), country: z.string() });
    const answer = await structuredAnswer(await createModel(spec), shape, [
      new HumanMessage("The capital of Switzerland?"),
    ]);
    expect(answer.city).toMatch(/Bern/i);
  }, 60_000);
});
