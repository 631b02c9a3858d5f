// Choosing and making models, and the three real client packages against local servers that speak their wire formats.

import { type ProviderStub, startAnthropicStub, startOllamaStub, startOpenAiStub } from "@holdfast/provider-stubs";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { AIMessage, type AIMessageChunk, HumanMessage, type ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { type CreateModelOptions, createModel } from "./create-model.ts";

const getWeather = tool(({ city }) => `Sunny in ${city}`, {
  name: "get_weather",
  description: "Weather of a city",
  schema: z.object({ city: z.string() }),
});

const providers: {
  name: string;
  spec: string;
  start: typeof startOpenAiStub;
  key: string;
  url: string;
  options?: CreateModelOptions;
}[] = [
  {
    name: "openai chat completions",
    spec: "openai:gpt-4o",
    start: startOpenAiStub,
    key: "openaiApiKey",
    url: "openaiBaseUrl",
  },
  {
    name: "openai responses",
    spec: "openai:gpt-4o",
    start: startOpenAiStub,
    key: "openaiApiKey",
    url: "openaiBaseUrl",
    options: { useResponsesApi: true },
  },
  {
    name: "anthropic",
    spec: "anthropic:claude-sonnet-4-5",
    start: startAnthropicStub,
    key: "anthropicApiKey",
    url: "anthropicBaseUrl",
  },
  { name: "ollama", spec: "ollama:llama3", start: startOllamaStub, key: "", url: "ollamaHost" },
];

let stub: ProviderStub | undefined;
afterEach(async () => {
  await stub?.close();
  stub = undefined;
});

type Provider = (typeof providers)[number];

async function connect(provider: Provider, options: CreateModelOptions & { tokenDelayMs?: number } = {}) {
  stub = await provider.start({ tokenDelayMs: options.tokenDelayMs });
  const model = await createModel(provider.spec, {
    env: envFor(provider, stub),
    retriesMax: 0,
    ...provider.options,
    ...options,
  });
  return { model, stub };
}

function envFor(provider: Provider, { url }: ProviderStub) {
  return { [provider.url]: url, ...(provider.key && { [provider.key]: "test-key" }) };
}

function expectUsageOnBill(answers: AIMessage[], stub: ProviderStub) {
  const sum = { input: 0, output: 0 };
  for (const { usage_metadata: usage } of answers) {
    sum.input += usage!.input_tokens;
    sum.output += usage!.output_tokens;
  }
  const total = stub.bill.total();
  expect({ input: total.inputTokens, output: total.outputTokens }).toEqual(sum);
  expect(sum.output).toBeGreaterThan(0);
}

describe.each(providers)("$name client", (provider) => {
  it("answers, and its usage is what was billed", async () => {
    const { model, stub } = await connect(provider);
    const answer = await model.invoke([new HumanMessage("Hello there")]);
    expect(answer.text).toBe("Stub answer to: Hello there");
    expectUsageOnBill([answer], stub);
    expect(stub.calls[0]!.headers.authorization ?? stub.calls[0]!.headers["x-api-key"] ?? "[redacted]").toBe(
      "[redacted]",
    );
  });

  it("streams the same answer in several chunks, with usage at the end", async () => {
    const { model, stub } = await connect(provider);
    const chunks: AIMessageChunk[] = [];
    for await (const chunk of await model.stream("Hello there")) chunks.push(chunk);
    const whole = chunks.reduce((sum, chunk) => sum.concat(chunk));
    expect(chunks.filter((chunk) => chunk.text).length).toBeGreaterThan(3);
    expect(whole.text).toBe("Stub answer to: Hello there");
    expectUsageOnBill([whole], stub);
  });

  it.each(["invoke", "stream"] as const)("calls tools and takes their results (%s)", async (how) => {
    const { model, stub } = await connect(provider);
    const withTools = model.bindTools!([getWeather]) as BaseChatModel;
    const ask = async (input: Parameters<typeof model.invoke>[0]) => {
      if (how === "invoke") return withTools.invoke(input);
      let whole: AIMessageChunk | undefined;
      for await (const chunk of await withTools.stream(input)) whole = whole ? whole.concat(chunk) : chunk;
      return whole!;
    };
    const question = new HumanMessage('Please call get_weather {"city":"Oslo"} and call get_weather {"city":"Rome"}');
    const first = await ask([question]);
    expect(first.tool_calls!.map((call) => call.args)).toEqual([{ city: "Oslo" }, { city: "Rome" }]);
    const results = await Promise.all(
      first.tool_calls!.map((call) => getWeather.invoke({ ...call, type: "tool_call" })),
    );
    const second = await ask([question, first, ...(results as ToolMessage[])]);
    expect(second.text).toBe("The tools answered: Sunny in Oslo; Sunny in Rome");
    expectUsageOnBill([first, second], stub);
  });
});

describe.each(providers)("$name client when things go wrong", (provider) => {
  it("cancels down to the socket, and what was generated until then is billed", async () => {
    const { model, stub } = await connect(provider, { tokenDelayMs: 20 });
    stub.script("many words ".repeat(200));
    const abort = new AbortController();
    const received: string[] = [];
    const reading = (async () => {
      for await (const chunk of await model.stream("A question", {
        signal: abort.signal,
      })) {
        received.push(chunk.text);
        if (received.join("").length >= 8) abort.abort();
      }
    })();
    await expect(reading).rejects.toThrow();
    await expect.poll(() => stub.bill.entries.length).toBe(1);
    expect(stub.calls[0]!.isAborted).toBe(true);
    const [entry] = stub.bill.entries;
    expect(entry!.outcome).toBe("aborted");
    expect(entry!.outputTokens).toBeGreaterThanOrEqual(2);
    expect(entry!.outputTokens).toBeLessThan(300);
  });

  it("cancels one call of a model and lets its other calls go on", async () => {
    const { model, stub } = await connect(provider, { tokenDelayMs: 10 });
    const abort = new AbortController();
    const cancelled = model.invoke("Cancel this one, it has a rather long text", { signal: abort.signal });
    const kept = model.invoke("Keep this one, it has a rather long text");
    await expect.poll(() => stub.calls.filter((call) => (call.usage?.outputTokens ?? 0) > 2).length).toBe(2);
    abort.abort();
    await expect(cancelled).rejects.toThrow();
    expect((await kept).text).toBe("Stub answer to: Keep this one, it has a rather long text");
    await expect.poll(() => stub.calls.map((call) => call.isAborted).sort()).toEqual([false, true]);
  });

  it("reports a refused request with its status and the provider's words", async () => {
    const { model, stub } = await connect(provider);
    stub.faults.next({ kind: "rate-limit", retryAfterSeconds: 7 });
    const error = await model.invoke("Hello").catch((caught: unknown) => caught);
    expect(statusOf(error)).toBe(429);
    expect(stub.faults.injected).toHaveLength(1);
    stub.faults.next({ kind: "server-error" });
    expect(statusOf(await model.invoke("Hello").catch((caught: unknown) => caught))).toBe(500);
    expect(stub.bill.entries).toEqual([]);
  });

  it("fails on a connection cut mid-stream, and the call is on the bill", async () => {
    const { model, stub } = await connect(provider);
    stub.faults.next({ kind: "drop", afterTokens: 3 });
    const read = async () => {
      for await (const _chunk of await model.stream("Hello there, long enough"));
    };
    await expect(read()).rejects.toThrow();
    await expect.poll(() => stub.bill.entries.map((entry) => entry.outcome)).toEqual(["failed"]);
    expect(stub.bill.total().outputTokens).toBe(3);
  });

  it("refuses a model that does not exist", async () => {
    const { stub } = await connect(provider);
    const prefix = provider.spec.split(":")[0];
    const model = await createModel(`${prefix}:no-such-model`, { env: envFor(provider, stub), retriesMax: 0 });
    const error = await model.invoke("Hello").catch((caught: unknown) => caught);
    expect(statusOf(error)).toBe(404);
    expect((error as Error).message).toContain("no-such-model");
  });
});

describe.each(providers)("$name client with a schema", (provider) => {
  it("gives structured output", async () => {
    const { model } = await connect(provider);
    const schema = z.object({ title: z.string(), pages: z.number().int() });
    const structured = await model.withStructuredOutput(schema, { name: "book" }).invoke("Describe a book as json");
    expect(schema.parse(structured)).toEqual(structured);
  });
});

function statusOf(error: unknown): number | undefined {
  const { status, status_code: statusCode } = error as { status?: number; status_code?: number };
  return status ?? statusCode;
}

describe("createModel", () => {
  it("names the allowed providers for an unknown one", async () => {
    await expect(createModel("gemini:pro", { env: {} })).rejects.toThrow(
      'Unknown model provider "gemini" in "gemini:pro": allowed are "openai:…", "anthropic:…", "ollama:…" and "demo".',
    );
  });

  it.each([
    ["openai:gpt-4o", "OPENAI_API_KEY"],
    ["anthropic:claude-sonnet-4-5", "ANTHROPIC_API_KEY"],
  ])("names the variable of a missing key for %s", async (spec, variable) => {
    await expect(createModel(spec, { env: {} })).rejects.toMatchObject({
      code: "missing_api_key",
      message: expect.stringContaining(variable),
    });
  });

  it("needs no key for an OpenAI-compatible server of one's own", async () => {
    stub = await startOpenAiStub({ apiKeys: ["not-needed"] });
    const model = await createModel("openai:gpt-4o", { env: { openaiBaseUrl: stub.url } });
    expect((await model.invoke("Hello")).text).toBe("Stub answer to: Hello");
  });

  it("takes an Ollama host without a scheme", async () => {
    stub = await startOllamaStub();
    const model = await createModel("ollama:llama3", { env: { ollamaHost: `0.0.0.0:${stub.port}` } });
    expect((await model.invoke("Hello")).text).toBe("Stub answer to: Hello");
  });

  it.each(["-1", "soon", "999999"])("refuses HOLDFAST_DEMO_DELAY_MS=%s", async (demoDelayMs) => {
    await expect(createModel("demo", { env: { demoDelayMs } })).rejects.toThrow("HOLDFAST_DEMO_DELAY_MS");
  });

  it("keeps colons in a model's name", async () => {
    stub = await startOllamaStub({ models: [{ id: "llama3:8b", contextWindowTokens: 8_192 }] });
    const model = await createModel("ollama:llama3:8b", { env: { ollamaHost: stub.url } });
    expect((await model.invoke("Hello")).text).toBe("Stub answer to: Hello");
  });
});

describe("prompt caching", () => {
  const longText = "A fact worth keeping in the prompt. ".repeat(200);

  it("is seen through the Anthropic client: written first, read later", async () => {
    stub = await startAnthropicStub();
    const model = await createModel("anthropic:claude-sonnet-4-5", { apiKey: "test-key", baseUrl: stub.url, env: {} });
    const prompt = (text: string) => [
      new HumanMessage({ content: [{ type: "text", text: longText, cache_control: { type: "ephemeral" } }] }),
      new AIMessage("Understood."),
      new HumanMessage(text),
    ];
    const first = (await model.invoke(prompt("One?"))) as AIMessage;
    const second = (await model.invoke(prompt("Two?"))) as AIMessage;
    const written = first.usage_metadata!.input_token_details!.cache_creation!;
    expect(written).toBeGreaterThan(1024);
    expect(second.usage_metadata!.input_token_details).toMatchObject({ cache_read: written, cache_creation: 0 });
    expect(stub.bill.total()).toMatchObject({
      inputTokens: first.usage_metadata!.input_tokens + second.usage_metadata!.input_tokens,
      cachedInputTokens: written,
      cacheWriteTokens: written,
    });
  });

  it("is seen through the OpenAI client: automatic, in steps of 128 tokens", async () => {
    stub = await startOpenAiStub();
    const model = await createModel("openai:gpt-4o", { apiKey: "test-key", baseUrl: stub.url, env: {} });
    const ask = async (text: string) =>
      (await model.invoke([
        new HumanMessage(longText),
        new AIMessage("Understood."),
        new HumanMessage(text),
      ])) as AIMessage;
    expect((await ask("One?")).usage_metadata!.input_token_details!.cache_read).toBe(0);
    const cached = (await ask("Two?")).usage_metadata!.input_token_details!.cache_read!;
    expect(cached).toBeGreaterThanOrEqual(1024);
    expect(cached % 128).toBe(0);
    expect(stub.bill.total().cachedInputTokens).toBe(cached);
  });
});
