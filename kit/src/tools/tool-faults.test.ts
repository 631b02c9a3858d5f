// Every fault of a tool call, on every provider: it ends within its bound, with an answer, and with a history that the provider accepts.

import {
  type ProviderStub,
  type ReplyFunction,
  type StubReply,
  startAnthropicStub,
  startOllamaStub,
  startOpenAiStub,
} from "@holdfast/provider-stubs";
import { type AIMessage, type BaseMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MemorySaver } from "@langchain/langgraph";
import { createAgent } from "langchain";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { historyRepairMiddleware } from "../context-window/history-repair-middleware.ts";
import { createModel } from "../models/create-model.ts";
import { toolGuardMiddleware } from "./tool-guard-middleware.ts";

let stub: ProviderStub | undefined;
afterEach(async () => {
  await stub?.close();
  stub = undefined;
});

const providers = [
  ["openai chat", "openai:gpt-4o", startOpenAiStub, {}],
  ["openai responses", "openai:gpt-4o", startOpenAiStub, { useResponsesApi: true }],
  ["anthropic", "anthropic:claude-sonnet-4-5", startAnthropicStub, {}],
  ["ollama", "ollama:llama3", startOllamaStub, {}],
] as const;

type Script = (StubReply | string | ReplyFunction)[];
const lastText: (conversation: Parameters<ReplyFunction>[0]) => string = ({ messages }) => messages.at(-1)!.text;

interface Fault {
  script: Script;
  /** Most calls of the model. */
  callsMax: number;
  /** How often the tool ran. */
  runs: number;
  /** In what a tool answered, one after the other. */
  results: RegExp[];
  answer: RegExp;
}

const calling = (name: string, args: unknown) => ({ toolCalls: [{ name, args }] });

const faults: Record<string, Fault> = {
  "arguments of the wrong types": {
    script: [calling("book", { seats: "two" }), calling("book", { seats: 2 }), "Booked."],
    callsMax: 3,
    runs: 1,
    results: [/arguments are wrong:\n- seats: .*number/, /booked 2/],
    answer: /Booked/,
  },
  "an unknown tool": {
    script: [calling("fly", {}), calling("book", { seats: 1 }), "Booked."],
    callsMax: 3,
    runs: 1,
    results: [/fly.*book/s, /booked 1/],
    answer: /Booked/,
  },
  "a tool that never answers": {
    script: [calling("book", { seats: 99 }), "It did not answer."],
    callsMax: 2,
    runs: 1,
    results: [/did not answer within 0.1 seconds.*may have taken effect/],
    answer: /did not answer/,
  },
  "huge output": {
    script: [calling("book", { seats: 1_000 }), "Too much."],
    callsMax: 2,
    runs: 1,
    results: [/^x+\n\[… \d+ of 500000 characters were left out/],
    answer: /Too much/,
  },
  "the same failing call over and over": {
    script: [
      (conversation) =>
        /Do not repeat it|Call no more tools/.test(lastText(conversation))
          ? { text: "It does not work." }
          : calling("book", { seats: -1 }),
    ],
    callsMax: 4,
    runs: 2,
    results: [/sold out/, /sold out/, /has already failed 2 times/],
    answer: /does not work/,
  },
  "an endless loop of a model that never listens": {
    script: [({ messages }) => calling("book", { seats: 10 + messages.length })],
    callsMax: 5,
    runs: 4,
    results: [/booked/, /booked/, /booked/, /booked/],
    answer: /could not finish/,
  },
  "contradictory calls in one answer": {
    script: [{ toolCalls: [1, 2, 1].map((seats) => ({ name: "book", args: { seats } })) }, "One was booked."],
    callsMax: 2,
    runs: 1,
    results: [/booked 1/, /another call of it was made in the same answer/, /the same call was made/],
    answer: /One was booked/,
  },
  "parallel calls of which one fails": {
    script: [
      {
        toolCalls: [
          { name: "look", args: {} },
          { name: "book", args: { seats: -1 } },
        ],
      },
      "One of two.",
    ],
    callsMax: 2,
    runs: 1,
    results: [/seen/, /sold out/],
    answer: /One of two/,
  },
};

describe.each(providers)("with %s", (name, spec, start, settings) => {
  async function converse(script: Script) {
    stub = await start();
    const model = await createModel(spec, {
      apiKey: "test-key",
      baseUrl: stub.url,
      env: {},
      retriesMax: 0,
      ...settings,
    });
    let runs = 0;
    const book = tool(
      ({ seats }) => {
        runs++;
        if (seats === 99) return new Promise<string>(() => undefined);
        if (seats === 1_000) return "x".repeat(500_000);
        if (seats < 0) throw new Error("sold out");
        return `booked ${seats}`;
      },
      { name: "book", description: "Books seats.", schema: z.object({ seats: z.number() }) },
    );
    const look = tool(() => "seen", { name: "look", description: "Looks.", schema: z.object({}) });
    stub.script(...script);
    const agent = createAgent({
      model,
      tools: [book, look],
      checkpointer: new MemorySaver(),
      middleware: [
        toolGuardMiddleware({ timeoutMs: 100, turn: { roundsMax: 4 }, byTool: { book: { isExclusive: true } } }),
        historyRepairMiddleware(),
      ],
    });
    const thread = { configurable: { thread_id: name } };
    const { messages } = (await agent.invoke({ messages: [new HumanMessage("Book seats")] }, thread)) as {
      messages: BaseMessage[];
    };
    const callsCount = stub.calls.length;
    // The next turn replays the whole history; a strict provider refuses an invalid one.
    stub.script("And on it goes.");
    const next = await agent.invoke({ messages: [new HumanMessage("And now?")] }, thread);
    expect(next.messages.at(-1)!.text).toBe("And on it goes.");
    expect(stub.calls.filter(({ status }) => status !== 200)).toEqual([]);
    expect(stub.calls.length).toBe(callsCount + 1);
    return { messages, runs, callsCount };
  }

  it.each(Object.entries(faults))(
    "%s ends within its bound",
    async (_name, { script, callsMax, runs, results, answer }) => {
      const done = await converse(script);
      expect(done.callsCount).toBeLessThanOrEqual(callsMax);
      expect(done.runs).toBe(runs);
      const told = done.messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text);
      expect(told).toHaveLength(results.length);
      for (const [at, result] of results.entries()) expect(told[at]).toMatch(result);
      expect(done.messages.at(-1)!.text).toMatch(answer);
      expect((done.messages.at(-1) as AIMessage).tool_calls ?? []).toEqual([]);
    },
  );

  // Ollama parses arguments itself, so a model's broken JSON never reaches the client.
  if (name === "ollama") return;
  it("arguments that are no JSON end within their bound", async () => {
    const broken = calling("book", '{"seats": 2');
    const done = await converse([broken, calling("book", { seats: 2 }), "Booked."]);
    expect([done.callsCount, done.runs, done.messages.at(-1)!.text]).toEqual([3, 1, "Booked."]);
    await stub!.close();
    const never = await converse([broken, broken, broken]);
    // Anthropic gives broken arguments on as none at all, which the tool's schema refuses.
    expect(never.callsCount).toBeLessThanOrEqual(4);
    expect(never.runs).toBe(0);
    expect(never.messages.at(-1)!.text.trim()).not.toBe("");
  });
});
