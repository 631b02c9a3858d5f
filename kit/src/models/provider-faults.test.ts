// Hundreds of calls in a provider's bad hour (fault F11, short and seeded): every answer whole, every attempt accounted for.
import {
  type Fault,
  type ProviderStub,
  startAnthropicStub,
  startOllamaStub,
  startOpenAiStub,
} from "@holdfast/provider-stubs";
import { HumanMessage } from "@langchain/core/messages";
import { afterEach, expect, it } from "vitest";
import { createModel } from "./create-model.ts";
import { type ModelAttempt, type ModelCandidate, ModelUnavailableError } from "./resilience-options.ts";
import { ResilientChatModel } from "./resilient-model.ts";

const callsCount = 150;
const concurrency = 10;
const faults: Fault[] = [
  { kind: "rate-limit" },
  { kind: "rate-limit", retryAfterSeconds: 0 },
  { kind: "server-error" },
  { kind: "overloaded" },
  { kind: "drop" },
  { kind: "drop", afterTokens: 0 },
  { kind: "drop", afterTokens: 5 },
  { kind: "malformed", afterTokens: 3 },
  { kind: "error-event", afterTokens: 4 },
  { kind: "slow-tokens", tokenDelayMs: 2 },
  { kind: "delay", delayMs: 10 },
];

const stubs: ProviderStub[] = [];
afterEach(() => Promise.all(stubs.splice(0).map((stub) => stub.close())));

async function connect(start: typeof startOpenAiStub, spec: string, seed: number): Promise<ModelCandidate> {
  const stub = await start();
  stubs.push(stub);
  stub.faults.atRandom({ seed, probability: 0.4, faults });
  stub.script((conversation) => {
    const texts = conversation.messages.map((message) => message.text);
    const isResumed = texts.at(-1)!.includes("Continue exactly where it ends");
    return isResumed ? answerTo(texts.at(-3)!).slice(texts.at(-2)!.length) : answerTo(texts.at(-1)!);
  });
  return {
    name: spec,
    model: await createModel(spec, { apiKey: "test-key", baseUrl: stub.url, env: {}, retriesMax: 0 }),
  };
}

const answerTo = (question: string) => `${question} deserves an answer of some length, and this is it.`;

it("answers whole, shows nothing twice, and accounts for every call that reached a provider", async () => {
  const candidates: [ModelCandidate, ...ModelCandidate[]] = [
    await connect(startOpenAiStub, "openai:gpt-4o", 1),
    await connect(startAnthropicStub, "anthropic:claude-sonnet-4-5", 2),
    await connect(startOllamaStub, "ollama:llama3", 3),
  ];
  const attempts: ModelAttempt[] = [];
  const model = new ResilientChatModel(candidates, {
    backoff: { firstDelayMs: 1, delayMsMax: 4 },
    retriesMax: 3,
    onAttempt: (attempt) => attempts.push(attempt),
  });
  let next = 0;
  let answersCount = 0;
  const work = async () => {
    while (next < callsCount) {
      const question = `Question ${next++}`;
      let shown = "";
      try {
        for await (const chunk of await model.stream([new HumanMessage(question)])) shown += chunk.text;
        expect(shown).toBe(answerTo(question));
        answersCount++;
      } catch (error) {
        if (!(error instanceof ModelUnavailableError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));

  expect(answersCount).toBe(callsCount);
  const injected = stubs.flatMap((stub) => stub.faults.injected);
  expect(injected.length).toBeGreaterThan(callsCount / 4);
  expect(new Set(injected.map(({ fault }) => JSON.stringify(fault))).size).toBe(faults.length);
  expect(attempts.length).toBe(stubs.reduce((sum, stub) => sum + stub.calls.length, 0));
  for (const [at, stub] of stubs.entries()) {
    const completed = attempts.filter(
      (attempt) => attempt.model === candidates[at]!.name && attempt.outcome === "completed",
    );
    const billed = stub.bill.entries.filter((entry) => entry.outcome === "completed");
    const sumOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0);
    expect(completed.length).toBe(billed.length);
    expect(sumOf(completed.map((attempt) => attempt.usage!.input_tokens))).toBe(
      sumOf(billed.map((entry) => entry.inputTokens)),
    );
    expect(sumOf(completed.map((attempt) => attempt.usage!.output_tokens))).toBe(
      sumOf(billed.map((entry) => entry.outputTokens)),
    );
  }
}, 60_000);
