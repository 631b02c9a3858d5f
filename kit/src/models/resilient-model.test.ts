// Bad hours of providers, played by the stubs: what is retried, what falls back, what is shown, what it cost.
import {
  type Fault,
  type ProviderStub,
  startAnthropicStub,
  startOllamaStub,
  startOpenAiStub,
} from "@holdfast/provider-stubs";
import { type AIMessage, type AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createAgent } from "langchain";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { createModel } from "./create-model.ts";
import { RequestRate } from "./request-rate.ts";
import {
  type ModelAttempt,
  type ModelCandidate,
  ModelUnavailableError,
  type ResilienceOptions,
} from "./resilience-options.ts";
import { ResilientChatModel } from "./resilient-model.ts";

const quick: ResilienceOptions = { backoff: { firstDelayMs: 2, delayMsMax: 4 } };
/** Long enough for a busy machine, short enough for a test. */
const patience: ResilienceOptions = { firstChunkTimeoutMs: 300, idleTimeoutMs: 300 };
const long = "Hello there, this is a question long enough for an answer of many tokens";
const expected = `Stub answer to: ${long}`;

const open: ProviderStub[] = [];
afterEach(() => Promise.all(open.splice(0).map((stub) => stub.close())));

type ProviderName = "openai" | "responses" | "anthropic" | "ollama";
const names: ProviderName[] = ["openai", "responses", "anthropic", "ollama"];

async function connect(name: ProviderName, options: { tokenDelayMs?: number } = {}) {
  const starts = {
    openai: startOpenAiStub,
    responses: startOpenAiStub,
    anthropic: startAnthropicStub,
    ollama: startOllamaStub,
  };
  const specs = {
    openai: "openai:gpt-4o",
    responses: "openai:gpt-4o",
    anthropic: "anthropic:claude-sonnet-4-5",
    ollama: "ollama:llama3",
  };
  const stub = await starts[name](options);
  open.push(stub);
  const settings = {
    apiKey: "test-key",
    baseUrl: stub.url,
    env: {},
    retriesMax: 0,
    useResponsesApi: name === "responses",
  };
  const candidate: ModelCandidate = { name: specs[name], model: await createModel(specs[name], settings) };
  return { stub, candidate };
}

async function read(model: ResilientChatModel, text = long) {
  const pieces: string[] = [];
  let whole: AIMessageChunk | undefined;
  for await (const chunk of await model.stream([new HumanMessage(text)])) {
    if (chunk.text) pieces.push(chunk.text);
    whole = whole ? whole.concat(chunk) : chunk;
  }
  return { pieces, whole: whole!, attempts: whole!.response_metadata.attempts as ModelAttempt[] };
}

describe.each(names)("a resilient model over %s", (name) => {
  it("streams and answers as the model alone does, with its usage", async () => {
    const { stub, candidate } = await connect(name);
    const model = new ResilientChatModel([candidate], quick);
    const streamed = await read(model);
    expect(streamed.whole.text).toBe(expected);
    expect(streamed.pieces.length).toBeGreaterThan(5);
    expect(streamed.attempts).toMatchObject([{ outcome: "completed", model: candidate.name }]);
    const invoked = (await model.invoke(long)) as AIMessage;
    expect(invoked.text).toBe(expected);
    const billed = stub.bill.total();
    expect(streamed.whole.usage_metadata!.output_tokens + invoked.usage_metadata!.output_tokens).toBe(
      billed.outputTokens,
    );
    expect(streamed.whole.usage_metadata!.input_tokens + invoked.usage_metadata!.input_tokens).toBe(billed.inputTokens);
  });

  const early: Fault[] = [
    { kind: "rate-limit" },
    { kind: "server-error" },
    { kind: "overloaded" },
    { kind: "drop" },
    { kind: "hang" },
    { kind: "malformed", afterTokens: 0 },
    { kind: "error-event", afterTokens: 0 },
    { kind: "drop", afterTokens: 0 },
    { kind: "hang", afterTokens: 0 },
  ];
  it.each(early)("calls again when nothing was shown yet: %j", async (fault) => {
    const { stub, candidate } = await connect(name);
    stub.faults.next(fault, fault);
    const { whole, pieces, attempts } = await read(
      new ResilientChatModel([candidate], { ...quick, ...(fault.kind === "hang" && patience) }),
    );
    expect(whole.text).toBe(expected);
    expect(pieces.join("")).toBe(expected);
    expect(attempts.map((attempt) => attempt.outcome)).toEqual(["failed", "failed", "completed"]);
    expect(stub.faults.injected).toHaveLength(2);
  });
});

describe.each(names)("a broken answer over %s", (name) => {
  const late: Fault[] = [
    { kind: "drop", afterTokens: 6 },
    { kind: "malformed", afterTokens: 6 },
    { kind: "error-event", afterTokens: 6 },
    { kind: "hang", afterTokens: 6 },
  ];
  it.each(late)("goes on from what was shown, and shows nothing twice: %j", async (fault) => {
    const { stub, candidate } = await connect(name);
    stub.faults.next(fault);
    stub.script((conversation) => {
      const [, shown] = conversation.messages.slice(-3).map((message) => message.text);
      const isResumed = conversation.messages.at(-1)!.text.includes("Continue exactly where it ends");
      return isResumed ? expected.slice(shown!.length) : undefined;
    });
    const { whole, pieces, attempts } = await read(
      new ResilientChatModel([candidate], { ...quick, ...(fault.kind === "hang" && patience) }),
    );
    expect(pieces.join("")).toBe(expected);
    expect(whole.text).toBe(expected);
    expect(attempts).toMatchObject([{ outcome: "failed", receivedCharacters: 24 }, { outcome: "completed" }]);
    expect(stub.calls).toHaveLength(2);
  });

  it("joins the two parts of a broken answer with one space", async () => {
    const { stub, candidate } = await connect(name);
    stub.faults.next({ kind: "drop", afterTokens: 1 });
    stub.script("One two three", "  two three");
    const { whole } = await read(new ResilientChatModel([candidate], quick));
    expect(whole.text).toBe("One two three");
  });

  it("repeats a broken tool call whole, and gives it once", async () => {
    const { stub, candidate } = await connect(name);
    const getWeather = tool(({ city }) => `Sunny in ${city}`, {
      name: "get_weather",
      description: "d",
      schema: z.object({ city: z.string() }),
    });
    stub.faults.next({ kind: "drop", afterTokens: 4 });
    const agent = createAgent({ model: new ResilientChatModel([candidate], quick), tools: [getWeather] });
    const state = await agent.invoke({ messages: [new HumanMessage('call get_weather {"city":"Reykjavik"}')] });
    expect(state.messages.at(-1)!.text).toBe("The tools answered: Sunny in Reykjavik");
    expect(state.messages.map((message) => message.type)).toEqual(["human", "ai", "tool", "ai"]);
    expect(stub.calls).toHaveLength(3);
  });

  it("cancels down to the socket and reports the attempt as aborted", async () => {
    const { stub, candidate } = await connect(name, { tokenDelayMs: 20 });
    stub.script("many words ".repeat(200));
    const attempts: ModelAttempt[] = [];
    const model = new ResilientChatModel([candidate], { ...quick, onAttempt: (attempt) => attempts.push(attempt) });
    await expect(model.invoke(long, { signal: AbortSignal.timeout(400) })).rejects.toThrow();
    await expect.poll(() => stub.calls[0]!.isAborted).toBe(true);
    expect(attempts).toMatchObject([{ outcome: "aborted" }]);
  });
});

describe("fallback", () => {
  it("goes to the next model when one is down, and at once for an error that no retry cures", async () => {
    const [first, second] = [await connect("anthropic"), await connect("openai")];
    first.stub.faults.when(() => ({ kind: "overloaded" }));
    const { whole, attempts } = await read(new ResilientChatModel([first.candidate, second.candidate], quick));
    expect(whole.text).toBe(expected);
    expect(attempts.map((attempt) => attempt.model.split(":")[0])).toEqual([
      "anthropic",
      "anthropic",
      "anthropic",
      "openai",
    ]);
    const wrongKey = await createModel("openai:gpt-4o", {
      apiKey: "wrong",
      baseUrl: second.stub.url,
      env: {},
      retriesMax: 0,
    });
    const refused = await read(new ResilientChatModel([{ name: "wrong", model: wrongKey }, second.candidate], quick));
    expect(refused.attempts.map((attempt) => attempt.errorClass)).toEqual(["final", undefined]);
  });

  it("honours Retry-After, and does not wait longer than it takes to go elsewhere", async () => {
    const [first, second] = [await connect("openai"), await connect("anthropic")];
    first.stub.faults.next({ kind: "rate-limit", retryAfterSeconds: 1 });
    const startedAt = performance.now();
    expect((await read(new ResilientChatModel([first.candidate], quick))).attempts).toHaveLength(2);
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    first.stub.faults.next({ kind: "rate-limit", retryAfterSeconds: 60 });
    const { attempts } = await read(new ResilientChatModel([first.candidate, second.candidate], quick));
    expect(attempts.map((attempt) => attempt.outcome)).toEqual(["failed", "completed"]);
  });

  it("passes over a model whose breaker is open, and tries it again later", async () => {
    const [first, second] = [await connect("openai"), await connect("anthropic")];
    let now = 0;
    first.candidate.breaker = new CircuitBreaker({ failuresMax: 2, openMs: 1_000, now: () => now });
    first.stub.faults.next({ kind: "server-error" }, { kind: "server-error" });
    const model = new ResilientChatModel([first.candidate, second.candidate], { ...quick, retriesMax: 1 });
    expect((await read(model)).attempts).toHaveLength(3);
    expect((await read(model)).attempts.map((attempt) => attempt.model)).toEqual([second.candidate.name]);
    now = 1_001;
    expect((await read(model)).attempts.map((attempt) => attempt.model)).toEqual([first.candidate.name]);
  });

  it("ends within its time budget with everything it tried", async () => {
    const { stub, candidate } = await connect("openai");
    stub.faults.when(() => ({ kind: "hang" }));
    const startedAt = performance.now();
    const error = await new ResilientChatModel([candidate], {
      ...quick,
      answerTimeoutMs: 200,
      firstChunkTimeoutMs: 80,
      retriesMax: 50,
    })
      .invoke(long)
      .catch((caught: unknown) => caught);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(error).toBeInstanceOf(ModelUnavailableError);
    expect((error as ModelUnavailableError).attempts.length).toBeGreaterThanOrEqual(2);
    await expect.poll(() => stub.calls.every((call) => call.isAborted)).toBe(true);
  });
});

describe("request rate", () => {
  it("lets a tenth of a minute's calls through at once and spaces the rest", async () => {
    let now = 0;
    const rate = new RequestRate(60, () => now);
    const waits: number[] = [];
    for (let count = 0; count < 8; count++) {
      waits.push(rate.waitMs());
      const abort = AbortSignal.abort(new Error("not waiting"));
      await rate.take(abort).catch(() => undefined);
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 1_000, 2_000]);
    now = 60_000;
    expect(rate.waitMs()).toBe(0);
  });
});
