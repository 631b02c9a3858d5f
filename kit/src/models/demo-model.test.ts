// The demo model: deterministic, streaming, tools by plain rules, cancellation.
import { AIMessage, type AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findExpression } from "./demo-intents.ts";
import { DemoChatModel } from "./demo-model.ts";

const tools = [
  tool(() => "", { name: "get_time", description: "Time", schema: z.object({ place: z.string() }) }),
  tool(() => "", { name: "calculate", description: "Arithmetic", schema: z.object({ expression: z.string() }) }),
  tool(() => "", { name: "add_note", description: "Keep", schema: z.object({ text: z.string() }) }),
  tool(() => "", { name: "list_notes", description: "List", schema: z.object({}) }),
  tool(() => "", {
    name: "book_room",
    description: "Books",
    schema: z.object({
      guests: z.number().int(),
      email: z.string(),
      kind: z.enum(["single", "double"]),
      note: z.string().optional(),
    }),
  }),
];

const callsFor = async (text: string) => {
  const answer = await new DemoChatModel().bindTools(tools).invoke([new HumanMessage(text)]);
  return answer.tool_calls!.map(({ name, args }) => ({ name, args }));
};

describe("demo model", () => {
  it.each(["Hello", "What is 2 + 2?", "What time is it in Tokyo and Lima? Note: tea", "   "])(
    "streams exactly what it would answer at once: %j",
    async (text) => {
      const model = new DemoChatModel().bindTools(tools);
      const input = [new HumanMessage({ content: text, id: "m1" })];
      const answer = await model.invoke(input);
      let whole: AIMessageChunk | undefined;
      let count = 0;
      for await (const chunk of await model.stream(input)) {
        whole = whole ? whole.concat(chunk) : chunk;
        count++;
      }
      expect(whole!.text).toBe(answer.text);
      expect(whole!.tool_calls).toEqual(answer.tool_calls);
      expect(whole!.usage_metadata).toEqual(answer.usage_metadata);
      expect(whole!.response_metadata).toEqual(answer.response_metadata);
      expect(answer.usage_metadata!.output_tokens).toBe(count - 1);
      expect((await model.invoke(input)).tool_calls).toEqual(answer.tool_calls);
    },
  );

  it("reports each token to callbacks", async () => {
    const tokens: string[] = [];
    const callbacks = [{ handleLLMNewToken: (token: string) => void tokens.push(token) }];
    const answer = await new DemoChatModel().invoke("Hello", { callbacks });
    expect(tokens.join("")).toBe(answer.text);
    expect(tokens.length).toBeGreaterThan(10);
  });
});

describe("demo model's rules", () => {
  it.each([
    ["What is 12.5 % of 80?", "12.5 / 100 * 80"],
    ["Compute (1,250 + 750) * 1.19 please", "(1250 + 750) * 1.19"],
    ["how much is 3 times 4 plus 1", "3 * 4 + 1"],
    ["square root of 2", "sqrt(2)"],
    ["2^10", "2^10"],
    ["We meet on 2026-01-31", undefined],
    ["I have 3 cats.", undefined],
    ["version 1.2.3 is out", undefined],
  ])("finds the arithmetic in %j", (text, expression) => {
    expect(findExpression(text)).toBe(expression);
  });

  it("calls tools by plain rules", async () => {
    expect(await callsFor("What time is it in Tokyo right now?")).toEqual([
      { name: "get_time", args: { place: "Tokyo" } },
    ]);
    expect(await callsFor("What's the time in America/New_York and Berlin?")).toEqual([
      { name: "get_time", args: { place: "America/New_York" } },
      { name: "get_time", args: { place: "Berlin" } },
    ]);
    expect(await callsFor("Note: buy milk")).toEqual([{ name: "add_note", args: { text: "buy milk" } }]);
    expect(await callsFor("Please remember that Ada is 36.")).toEqual([
      { name: "add_note", args: { text: "Ada is 36." } },
    ]);
    expect(await callsFor("show my notes")).toEqual([{ name: "list_notes", args: {} }]);
    expect(await callsFor("What is 2 + 2, and what time is it in Lima?")).toEqual([
      { name: "get_time", args: { place: "Lima" } },
      { name: "calculate", args: { expression: "2 + 2" } },
    ]);
    expect(await callsFor("How are you?")).toEqual([]);
  });

  it("calls any tool by its name, with arguments from JSON or from the text", async () => {
    expect(await callsFor('call book_room {"guests": 2, "email": "a@b.org", "kind": "double"}')).toEqual([
      { name: "book_room", args: { guests: 2, email: "a@b.org", kind: "double" } },
    ]);
    expect(await callsFor("use book_room for 3 guests, a double room, ada@example.org")).toEqual([
      { name: "book_room", args: { guests: 3, email: "ada@example.org", kind: "double" } },
    ]);
  });

  it("reacts to tool results with a sentence and calls nothing again", async () => {
    const model = new DemoChatModel().bindTools(tools);
    const question = new HumanMessage("What is 2 + 2?");
    const call = await model.invoke([question]);
    const result = new ToolMessage({ content: "2 + 2 = 4", tool_call_id: call.tool_calls![0]!.id!, name: "calculate" });
    const answer = await model.invoke([question, call, result]);
    expect(answer.text).toBe("`calculate` says: 2 + 2 = 4");
    expect(answer.tool_calls).toEqual([]);
    const failed = new ToolMessage({ content: "no", tool_call_id: "x", name: "calculate", status: "error" });
    expect((await model.invoke([question, call, failed])).text).toBe("`calculate` failed: no");
  });
});

describe("demo model's answers", () => {
  it("says what it is", async () => {
    expect((await new DemoChatModel().invoke("Who are you?")).text).toContain("demo model: not an AI");
  });

  it("follows the one kind of instruction that it can", async () => {
    const prompt = [new HumanMessage("x"), new AIMessage("y"), new HumanMessage('It must contain "Reference: 7".')];
    expect((await new DemoChatModel().invoke(prompt)).text).toContain("Reference: 7");
    const system = [new SystemMessage('Answers must contain "Bye".'), new HumanMessage("x")];
    expect((await new DemoChatModel().invoke(system)).text).toContain("Bye");
  });

  it("gives structured output that fits the schema", async () => {
    const schema = z.object({
      kind: z.enum(["billing", "technical"]).describe("billing: invoice; technical: crash"),
      amount: z.number(),
    });
    const structured = new DemoChatModel().withStructuredOutput(schema);
    expect(await structured.invoke("My invoice of 30 is wrong")).toEqual({ kind: "billing", amount: 30 });
    expect(await structured.invoke("A crash after 5 minutes")).toEqual({ kind: "technical", amount: 5 });
  });

  it("stops in the middle of an answer when it is cancelled", async () => {
    const model = new DemoChatModel({ tokenDelayMs: 5 });
    const abort = new AbortController();
    let received = 0;
    const read = async () => {
      for await (const _chunk of await model.stream("Hello", { signal: abort.signal })) {
        if (++received === 3) abort.abort();
      }
    };
    await expect(read()).rejects.toThrow();
    expect(received).toBeLessThanOrEqual(4);
    await expect(model.invoke("Hello", { signal: AbortSignal.timeout(12) })).rejects.toThrow();
  });
});
