// Structured answers: checked, given back with what is wrong, and given up after the bound.
import { type ProviderStub, startAnthropicStub, startOllamaStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { HumanMessage } from "@langchain/core/messages";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createModel } from "./create-model.ts";
import { StructuredAnswerError, structuredAnswer } from "./structured-answer.ts";

let stub: ProviderStub | undefined;
afterEach(() => stub?.close());

const shape = z.object({ city: z.string(), people: z.number().int().positive() });
const giving = (args: unknown) => ({ toolCalls: [{ name: "answer", args }] });

describe.each([
  ["openai:gpt-4o", startOpenAiStub],
  ["anthropic:claude-sonnet-4-5", startAnthropicStub],
  ["ollama:llama3", startOllamaStub],
] as const)("with %s", (spec, start) => {
  const ask = async (replies: Parameters<ProviderStub["script"]>, correctionsMax?: number) => {
    stub = await start();
    stub.script(...replies);
    const model = await createModel(spec, { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 });
    return structuredAnswer(
      model,
      shape,
      [new HumanMessage("Where?")],
      correctionsMax === undefined ? {} : { correctionsMax },
    );
  };

  it("gives a wrong answer back with what is wrong, until it is right", async () => {
    const right = { city: "Bern", people: 140_000 };
    expect(await ask([giving({ city: "Bern", people: "many" }), "Bern, I think.", giving(right)])).toEqual(right);
    expect(stub!.calls.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(stub!.calls[1]!.conversation!.messages.at(-1)!.text).toMatch(/people: .*number/);
  });

  it("gives up after the bound and says what was wrong", async () => {
    const wrong = giving({ city: "Bern", people: -1 });
    const failure = await ask([wrong, wrong, wrong], 1).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StructuredAnswerError);
    expect(String(failure)).toMatch(/in 2 tries.*people/);
    expect(stub!.calls).toHaveLength(2);
  });
});
