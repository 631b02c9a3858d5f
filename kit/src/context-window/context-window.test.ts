// A long conversation through the real client: bounded prompts, facts kept by the summary, a complete transcript.
import { type ProviderStub, startAnthropicStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createModel } from "../models/create-model.ts";
import { type Compaction, contextView, latestCompaction, mergeCompactions, planCompaction } from "./compaction.ts";
import { contextWindowMiddleware } from "./context-window-middleware.ts";
import { estimateTokens } from "./token-estimate.ts";

const lookUp = tool(() => "data ".repeat(400), { name: "look_up", description: "d", schema: z.object({}) });
const tokensMax = 3_000;

let stub: ProviderStub | undefined;
afterEach(() => stub?.close());

async function connect(provider: "openai" | "anthropic") {
  stub = await (provider === "openai" ? startOpenAiStub() : startAnthropicStub());
  const spec = provider === "openai" ? "openai:gpt-4o" : "anthropic:claude-sonnet-4-5";
  return { stub, model: await createModel(spec, { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 }) };
}

/** Summarises by keeping every "FACT…" that it is shown, which is what a good model would do. */
function scriptFactKeeper(stub: ProviderStub) {
  stub.script(({ messages }) => {
    if (!messages[0]!.text.startsWith("You keep the summary")) return undefined;
    return [...new Set(messages.at(-1)!.text.match(/FACT\d+/g) ?? [])].join(", ") || "Nothing yet.";
  });
}

const question = (turn: number) => {
  const fact = turn % 10 === 0 ? `Remember FACT${turn}. ` : "";
  const task = turn % 4 === 0 ? "call look_up {}" : "Tell me more about it";
  return `${fact}${task}. ${"Some more words to make it long. ".repeat(4)}`;
};

describe.each(["openai", "anthropic"] as const)("context window with %s", (provider) => {
  it("keeps 60 turns within the budget, all facts in view, and the transcript complete", async () => {
    const { stub, model } = await connect(provider);
    scriptFactKeeper(stub);
    const checkpointer = new MemorySaver();
    const agent = createAgent({
      model,
      tools: [lookUp],
      checkpointer,
      middleware: [contextWindowMiddleware({ summaryModel: model, tokensMax })],
    });
    const config = { configurable: { thread_id: "t" } };
    for (let turn = 0; turn < 60; turn++)
      await agent.graph.invoke({ messages: [new HumanMessage(question(turn))] }, config);

    expect(stub.calls.map((call) => call.status).filter((status) => status !== 200)).toEqual([]);
    const answers = stub.calls.filter((call) => !call.conversation!.messages[0]!.text.startsWith("You keep"));
    const seen = answers
      .at(-1)!
      .conversation!.messages.map((message) => message.text)
      .join("\n");
    for (const fact of [0, 10, 20, 30, 40, 50]) expect(seen).toContain(`FACT${fact}`);
    expect(Math.max(...answers.map((call) => call.usage!.inputTokens))).toBeLessThan(tokensMax * 1.2);

    const { messages, compactions } = (await agent.graph.getState(config)).values as {
      messages: BaseMessage[];
      compactions: Compaction[];
    };
    expect(messages.filter((message) => HumanMessage.isInstance(message))).toHaveLength(60);
    expect(
      messages.filter((message) => ToolMessage.isInstance(message)).every((message) => message.text.length === 2_000),
    ).toBe(true);
    expect(compactions.map((one) => one.version)).toEqual(compactions.map((_, index) => index + 1));
    expect(compactions.length).toBeGreaterThan(3);
    const naive = estimateTokens(messages);
    expect(naive).toBeGreaterThan(tokensMax * 3);
  });
});

describe("compaction", () => {
  it("lets the prompt's prefix stand between compactions, so that the provider's cache hits", async () => {
    const { stub, model } = await connect("openai");
    scriptFactKeeper(stub);
    const middleware = [contextWindowMiddleware({ summaryModel: model, tokensMax: 6_000 })];
    const agent = createAgent({ model, tools: [], checkpointer: new MemorySaver(), middleware });
    const config = { configurable: { thread_id: "t" } };
    for (let turn = 0; turn < 60; turn++)
      await agent.graph.invoke({ messages: [new HumanMessage(`${turn} ${"word ".repeat(150)}`)] }, config);
    const { inputTokens, cachedInputTokens } = stub.bill.total();
    expect(cachedInputTokens / inputTokens).toBeGreaterThan(0.6);
  });

  it("is a step of its own: a crash after it does not repeat it", async () => {
    const { stub, model } = await connect("openai");
    scriptFactKeeper(stub);
    const isSummary = (body: unknown) => JSON.stringify(body).includes("You keep the summary");
    const summaries = () => stub.calls.filter((call) => isSummary(call.body)).length;
    const middleware = [contextWindowMiddleware({ summaryModel: model, tokensMax: 1_000 })];
    const agent = createAgent({ model, tools: [], checkpointer: new MemorySaver(), middleware });
    const config = { configurable: { thread_id: "t" } };
    // The first answer after the first summary fails, as if the process had died there.
    let isDown = true;
    stub.faults.when((call) =>
      isDown && summaries() > 0 && !isSummary(call.body) ? { kind: "server-error" } : undefined,
    );
    const say = () => agent.graph.invoke({ messages: [new HumanMessage("word ".repeat(100))] }, config);
    const untilCrash = async () => {
      for (let turn = 0; turn < 30; turn++) await say();
    };
    await expect(untilCrash()).rejects.toThrow();
    isDown = false;
    expect(stub.faults.injected).toHaveLength(1);
    const before = summaries();
    await agent.graph.invoke(null, config);
    const state = (await agent.graph.getState(config)).values as { messages: BaseMessage[]; compactions: Compaction[] };
    expect(summaries()).toBe(before);
    expect(state.compactions).toHaveLength(1);
    expect(state.messages.at(-1)!.text).toContain("Stub answer to: word");
  });

  it("goes on without a summary when none can be made, still within the budget", async () => {
    const { stub, model } = await connect("openai");
    const errors: unknown[] = [];
    stub.faults.when((call) =>
      JSON.stringify(call.body).includes("You keep the summary") ? { kind: "server-error" } : undefined,
    );
    const middleware = [
      contextWindowMiddleware({ summaryModel: model, tokensMax: 1_000, onSummaryError: (error) => errors.push(error) }),
    ];
    const agent = createAgent({ model, tools: [], checkpointer: new MemorySaver(), middleware });
    const config = { configurable: { thread_id: "t" } };
    for (let turn = 0; turn < 12; turn++)
      await agent.graph.invoke({ messages: [new HumanMessage("word ".repeat(100))] }, config);
    expect(errors.length).toBeGreaterThan(0);
    expect(stub.faults.injected.length).toBe(errors.length);
    expect(Math.max(...stub.bill.entries.map((entry) => entry.inputTokens))).toBeLessThan(1_300);
  });
});

describe("the plan of a compaction", () => {
  it("clears long results before it summarises, and never those of the newest turn", () => {
    const long = (id: string) => [
      new HumanMessage({ id: `h${id}`, content: "q" }),
      new AIMessage({ id: `a${id}`, content: "", tool_calls: [{ id, name: "f", args: {} }] }),
      new ToolMessage({ id: `r${id}`, tool_call_id: id, content: "x".repeat(4_000) }),
    ];
    const messages = [...long("1"), ...long("2"), ...long("3")];
    const limits = { tokensMax: 2_500 };
    const plan = planCompaction(messages, undefined, limits)!;
    expect(plan).toEqual({ clearedThroughMessageId: "r2", toSummarise: [] });
    const view = contextView(messages, { version: 1, ...plan }, limits);
    expect(view.map((message) => message.text.length > 1_000)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(view).toHaveLength(9);
    expect(planCompaction(messages, { version: 1, ...plan }, limits)).toBeUndefined();
  });

  it("counts a repeated step once", () => {
    const one = { version: 1, summary: "a" };
    const merged = mergeCompactions([one], [{ version: 2, summary: "b" }, one]);
    expect(merged.map((compaction) => compaction.version)).toEqual([1, 2]);
    expect(latestCompaction(merged)!.summary).toBe("b");
  });
});
