// Broken histories: refused by the providers as they are, accepted after repair; as a function and in an agent.
import { type ProviderStub, startAnthropicStub, startOpenAiStub } from "@holdfast/provider-stubs";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type BaseMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver, messagesStateReducer } from "@langchain/langgraph";
import fc from "fast-check";
import { createAgent } from "langchain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createModel } from "../models/create-model.ts";
import { isCancelledResult, repairHistory } from "./history-repair.ts";
import { historyRepairMiddleware } from "./history-repair-middleware.ts";

const f = tool(() => "done", { name: "f", description: "f", schema: z.object({}) });

const human = (id: string, content = `question ${id}`) => new HumanMessage({ id, content });
const ai = (id: string, content = `answer ${id}`) => new AIMessage({ id, content });
const calling = (id: string, ...callIds: string[]) =>
  new AIMessage({ id, content: "", tool_calls: callIds.map((callId) => ({ id: callId, name: "f", args: {} })) });
const result = (callId: string, id = `r-${callId}`) =>
  new ToolMessage({ id, tool_call_id: callId, name: "f", content: `result of ${callId}` });
const invalid = new AIMessage({
  id: "a1",
  content: "",
  invalid_tool_calls: [{ id: "c1", name: "f", args: "{oops", error: "no JSON", type: "invalid_tool_call" }],
  additional_kwargs: { tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{oops" } }] },
});

const stubs: ProviderStub[] = [];
const models: { name: string; model: BaseChatModel }[] = [];
beforeAll(async () => {
  const [openai, anthropic] = [await startOpenAiStub(), await startAnthropicStub()];
  stubs.push(openai, anthropic);
  const options = { apiKey: "test-key", env: {}, retriesMax: 0 };
  const specs = [
    { name: "openai", spec: "openai:gpt-4o", options: { ...options, baseUrl: openai.url } },
    { name: "responses", spec: "openai:gpt-4o", options: { ...options, baseUrl: openai.url, useResponsesApi: true } },
    { name: "anthropic", spec: "anthropic:claude-sonnet-4-5", options: { ...options, baseUrl: anthropic.url } },
  ];
  for (const { name, spec, options: modelOptions } of specs)
    models.push({ name, model: await createModel(spec, modelOptions) });
});
afterAll(() => Promise.all(stubs.map((stub) => stub.close())));

/** Names of the providers that refuse a history. */
async function refusals(messages: BaseMessage[]): Promise<string[]> {
  const refused = await Promise.all(
    models.map(async ({ name, model }) => {
      const error = await model.bindTools!([f])
        .invoke(messages)
        .catch((caught: { status?: number }) => caught);
      if (!(error instanceof Error)) return [];
      expect((error as { status?: number }).status).toBe(400);
      return [name];
    }),
  );
  return refused.flat();
}

const ids = (messages: BaseMessage[]) => messages.map((message) => message.id);

const cases: [string, BaseMessage[], string[], string[]][] = [
  [
    "a call without its result at the end",
    [human("h1"), calling("a1", "c1")],
    ["h1", "a1", "cancelled-c1"],
    ["missing_result"],
  ],
  [
    "one of two parallel calls without its result, then a new question",
    [human("h1"), calling("a1", "c1", "c2"), result("c2"), human("h2")],
    ["h1", "a1", "r-c2", "cancelled-c1", "h2"],
    ["missing_result"],
  ],
  [
    "a result that came after the next question",
    [human("h1"), calling("a1", "c1"), human("h2"), result("c1")],
    ["h1", "a1", "r-c1", "h2"],
    ["misplaced_result"],
  ],
  [
    "a result without its call",
    [human("h1"), result("c1"), ai("a1"), human("h2")],
    ["h1", "a1", "h2"],
    ["orphan_result"],
  ],
  [
    "two results of one call",
    [human("h1"), calling("a1", "c1"), result("c1"), result("c1", "r2"), human("h2")],
    ["h1", "a1", "r-c1", "h2"],
    ["duplicate_result"],
  ],
  ["a call with unreadable arguments", [human("h1"), invalid, human("h2")], ["h1", "a1", "h2"], ["invalid_call"]],
];

describe("repairHistory", () => {
  it.each(cases)("%s is refused before and accepted after", async (_case, broken, repairedIds, kinds) => {
    expect((await refusals(broken)).length).toBeGreaterThan(0);
    const repair = repairHistory(broken);
    expect(ids(repair.messages)).toEqual(repairedIds);
    expect(repair.problems.map((problem) => problem.kind)).toEqual(kinds);
    expect(await refusals(repair.messages)).toEqual([]);
    expect(ids(messagesStateReducer(broken, repair.update))).toEqual(repairedIds);
  });

  it("leaves a healthy history alone, to the object", () => {
    const healthy = [
      new SystemMessage("s"),
      human("h1"),
      calling("a1", "c1", "c2"),
      result("c2"),
      result("c1"),
      ai("a2"),
      human("h2"),
    ];
    const repair = repairHistory(healthy);
    expect(repair).toMatchObject({ update: [], problems: [] });
    expect(repair.messages.every((message, index) => message === healthy[index])).toBe(true);
  });

  it("only adds to the end where that is enough, and rewrites only where it is not", () => {
    const atEnd = repairHistory([human("h1"), calling("a1", "c1", "c2"), result("c1")]);
    expect(ids(atEnd.update)).toEqual(["cancelled-c2"]);
    const inside = repairHistory([human("h1"), calling("a1", "c1"), human("h2")]);
    expect(inside.update[0]!.type).toBe("remove");
    expect(inside.update).toHaveLength(5);
  });

  it("prefers a real result to a made-up one, wherever it comes from", () => {
    const open = [human("h1"), calling("a1", "c1")];
    const known = repairHistory(open, { knownResults: [result("c1")] });
    expect(ids(known.update)).toEqual(["r-c1"]);
    const cancelled = repairHistory(open).messages;
    expect(isCancelledResult(cancelled[2]!)).toBe(true);
    const late = repairHistory([...cancelled, human("h2"), result("c1")]);
    expect(ids(late.messages)).toEqual(["h1", "a1", "r-c1", "h2"]);
  });

  it("gives empty messages something to say or removes them, and lets the user begin", async () => {
    const broken = [ai("a0", "Welcome!"), human("h1", " "), ai("a1", ""), human("h2")];
    expect(await refusals(broken)).toContain("anthropic");
    const repair = repairHistory(broken, { firstMessage: "user" });
    expect(ids(repair.messages)).toEqual(["opening", "a0", "h1", "h2"]);
    expect(await refusals(repair.messages)).toEqual([]);
    expect(ids(repairHistory(broken).messages)).toEqual(["a0", "h1", "h2"]);
  });
});

describe("repairHistory on anything", () => {
  it("repairs any mixture of messages, changes nothing the second time, and its update leads to the same history", async () => {
    const piece = fc.oneof(
      fc.constant("human"),
      fc.constant("ai"),
      fc.constant("blank"),
      fc.subarray(["c1", "c2", "c3"], { minLength: 1 }),
      fc.constantFrom("r1", "r2", "r3", "r9"),
    );
    const build = (pieces: (string | string[])[]): BaseMessage[] => {
      const called = new Set<string>();
      return pieces.flatMap<BaseMessage>((kind, index) => {
        const id = `m${index}`;
        if (kind === "human") return [human(id)];
        if (kind === "ai") return [ai(id)];
        if (kind === "blank") return [ai(id, "")];
        if (typeof kind === "string") return [result(kind.replace("r", "c"), id)];
        const fresh = kind.filter((callId) => !called.has(callId));
        for (const callId of fresh) called.add(callId);
        return fresh.length > 0 ? [calling(id, ...fresh)] : [];
      });
    };
    let refusedBefore = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
        const broken = [...build(pieces), human("last")];
        refusedBefore += Math.min(1, (await refusals(broken)).length);
        const repair = repairHistory(broken, { firstMessage: "user" });
        expect(await refusals(repair.messages)).toEqual([]);
        expect(repairHistory(repair.messages, { firstMessage: "user" }).problems).toEqual([]);
        const reduced = repair.update.length > 0 ? messagesStateReducer(broken, repair.update) : broken;
        expect(ids(reduced)).toEqual(ids(repair.messages));
      }),
      { numRuns: 60, seed: 7 },
    );
    expect(refusedBefore).toBeGreaterThan(20);
  });
});

describe("historyRepairMiddleware", () => {
  it.each([0, 1, 2])("lets an agent go on after a cancelled tool call (provider %i)", async (index) => {
    const { model } = models[index]!;
    const repaired: string[] = [];
    const agent = createAgent({
      model,
      tools: [f],
      checkpointer: new MemorySaver(),
      middleware: [
        historyRepairMiddleware({ onRepair: (problems) => repaired.push(...problems.map((problem) => problem.kind)) }),
      ],
    });
    const plain = createAgent({ model, tools: [f] });
    const messages = [human("h1"), calling("a1", "c1"), human("h2", "Are you still there?")];
    await expect(plain.invoke({ messages })).rejects.toThrow();
    const state = await agent.invoke({ messages }, { configurable: { thread_id: "t" } });
    expect(state.messages.at(-1)!.text).toBe("Stub answer to: Are you still there?");
    expect(repaired).toEqual(["missing_result"]);
    expect(ids(state.messages).slice(0, 3)).toEqual(["h1", "a1", "h2"]);
  });
});
