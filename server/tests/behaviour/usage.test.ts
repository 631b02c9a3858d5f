// The usage ledger through the whole server: it equals the provider's own bill, whatever became of the calls, and says who spent it.
import { setTimeout as sleep } from "node:timers/promises";
import { type ProviderStub, startAnthropicStub, startOllamaStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { startWorker } from "../harness/server-process.ts";
import { startTestServer } from "../harness/test-server.ts";

const server = useServer({
  graphs: ["spend"],
  content: { usage: { prices: { "openai:gpt-4o-mini": { input: 1, cached_input: 0.5, output: 10 } } } },
});
const stubs: Record<string, ProviderStub> = {};
beforeAll(async () => {
  stubs.openai = await startOpenAiStub();
  stubs.anthropic = await startAnthropicStub();
  stubs.ollama = await startOllamaStub();
});
afterAll(() => Promise.all(Object.values(stubs).map((stub) => stub.close())));

const connect = () => SDK_LINES[0]!.connect(server.url);
const question = { messages: [{ role: "user", content: "What does a fortnight have to do with fourteen nights?" }] };

interface ModelCall {
  call_id: string;
  run_id: string;
  outcome: string;
  is_estimated: boolean;
  model: string;
  provider: string;
  node: string;
  call_attempt: number;
  input_tokens: number;
  cached_input_tokens: number;
  cache_write_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_usd: number | null;
  price_source: string | null;
  error: string | null;
  latency_ms: number | null;
  first_token_ms: number | null;
}

async function read<T>(path: string): Promise<T> {
  const response = await fetch(`${server.url}${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}
const callsOf = async (threadId: string) => (await read<ModelCall[]>(`/usage/calls?thread_id=${threadId}`)).reverse();

async function runOn(stub: ProviderStub, configurable: object, options: { stream?: boolean } = {}) {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const payload = { input: question, config: { configurable: { model_url: stub.url, ...configurable } } };
  if (options.stream) {
    for await (const _ of client.runs.stream(thread_id, "spend", { ...payload, streamMode: "messages-tuple" }));
  } else await client.runs.wait(thread_id, "spend", { ...payload, raiseError: false });
  return thread_id;
}

/** The stub's own bill for what it was asked since then. */
function billSince(stub: ProviderStub, count: number) {
  return stub.bill.entries.slice(count);
}

describe.each([
  ["openai", { models: ["openai:gpt-4o"] }, 0.0001],
  ["openai", { models: ["openai:gpt-4o-mini"], useResponsesApi: true }, undefined],
  ["anthropic", { models: ["anthropic:claude-sonnet-4-5"] }, 0.0001],
  ["ollama", { models: ["ollama:llama3"] }, 0],
] as const)("a call of %s %o", (provider, configurable, costMin) => {
  test.each([false, true])("is in the ledger as on the bill (streamed: %s)", async (stream) => {
    const stub = stubs[provider]!;
    const before = stub.bill.entries.length;
    stub.script({
      reasoning: provider === "anthropic" ? "" : "Let me count.",
      text: "Everything. It is a short form of it.",
    });
    const threadId = await runOn(stub, configurable, { stream });
    const [billed, ...rest] = billSince(stub, before);
    expect(rest).toEqual([]);
    const [call, ...others] = await callsOf(threadId);
    expect(others).toEqual([]);
    expect(call).toMatchObject({
      outcome: "completed",
      is_estimated: false,
      provider,
      node: "spender",
      call_attempt: 1,
      input_tokens: billed!.inputTokens,
      output_tokens: billed!.outputTokens,
      cached_input_tokens: billed!.cachedInputTokens,
    });
    expect(call!.model).toBe(configurable.models[0].split(":")[1]);
    expect(call!.latency_ms).toBeGreaterThan(0);
    if (costMin === undefined) {
      const dollars = (billed!.inputTokens * 1 + billed!.outputTokens * 10) / 1e6;
      expect(call).toMatchObject({ cost_usd: dollars, price_source: "own prices" });
    } else expect(call!.cost_usd).toBeGreaterThanOrEqual(costMin);
  });
});

test("prompt caches are told apart, as the provider bills them", async () => {
  const stub = stubs.anthropic!;
  const before = stub.bill.entries.length;
  const client = connect();
  const { thread_id } = await client.threads.create();
  const content = [{ type: "text", text: "a long story ".repeat(600), cache_control: { type: "ephemeral" } }];
  for (let turn = 0; turn < 2; turn++) {
    await client.runs.wait(thread_id, "spend", {
      input: { messages: turn === 0 ? [{ role: "user", content }] : question.messages },
      config: { configurable: { model_url: stub.url, models: ["anthropic:claude-sonnet-4-5"] } },
    });
  }
  const calls = await callsOf(thread_id);
  const bill = billSince(stub, before);
  expect(bill[0]!.cacheWriteTokens).toBeGreaterThan(1_000);
  expect(bill[1]!.cachedInputTokens).toBeGreaterThan(1_000);
  for (const [at, billed] of bill.entries()) {
    expect(calls[at]).toMatchObject({
      input_tokens: billed.inputTokens,
      cached_input_tokens: billed.cachedInputTokens,
      cache_write_tokens: billed.cacheWriteTokens,
      output_tokens: billed.outputTokens,
    });
  }
  // Reads from the cache are ten times cheaper than the prompt itself.
  expect(calls[1]!.cost_usd!).toBeLessThan(calls[0]!.cost_usd! / 5);
});

describe("calls that go wrong", () => {
  test("a refused one costs nothing, and is there with its error", async () => {
    const stub = stubs.openai!;
    const before = stub.bill.entries.length;
    stub.faults.next({ kind: "server-error" });
    const threadId = await runOn(stub, {});
    expect(billSince(stub, before)).toEqual([]);
    const [call] = await callsOf(threadId);
    expect(call).toMatchObject({
      outcome: "failed",
      is_estimated: false,
      input_tokens: 0,
      output_tokens: 0,
      cost_usd: 0,
    });
    expect(call!.error).toMatch(/500/);
  });

  test("each attempt of a chain is a call of its own; the answer as a whole is none", async () => {
    await using stub = await startOpenAiStub({ tokenDelayMs: 20 });
    stub.faults.next({ kind: "rate-limit", retryAfterSeconds: 0 }, { kind: "drop", afterTokens: 4 });
    stub.script("One, two, three, four, five, six.", "One, two, three, four, five, six.");
    const threadId = await runOn(stub, { models: ["openai:gpt-4o", "openai:gpt-4o-mini"] }, { stream: true });
    expect(stub.faults.injected.slice(-2).map(({ fault }) => fault.kind)).toEqual(["rate-limit", "drop"]);
    const calls = await callsOf(threadId);
    expect(calls.map(({ outcome, call_attempt }) => [outcome, call_attempt])).toEqual([
      ["failed", 1],
      ["failed", 2],
      ["completed", 3],
    ]);
    expect(calls.every(({ node }) => node === "spender")).toBe(true);
    const [broken, whole] = stub.bill.entries;
    expect(calls[1]).toMatchObject({ is_estimated: true, input_tokens: broken!.inputTokens });
    // What was under way when the connection broke is the provider's to know.
    expect(broken!.outputTokens).toBe(4);
    expect(calls[1]!.output_tokens).toBeGreaterThanOrEqual(3);
    expect(calls[1]!.output_tokens).toBeLessThanOrEqual(4);
    expect(calls[2]).toMatchObject({ input_tokens: whole!.inputTokens, output_tokens: whole!.outputTokens });
  });

  test("a cancelled one is counted as far as it got", async () => {
    await using stub = await startAnthropicStub({ tokenDelayMs: 20 });
    stub.script({ text: "word ".repeat(400) });
    const client = connect();
    const { thread_id } = await client.threads.create();
    const run = await client.runs.create(thread_id, "spend", {
      input: question,
      config: { configurable: { model_url: stub.url, models: ["anthropic:claude-sonnet-4-5"] } },
      streamMode: "messages-tuple",
    });
    while ((stub.calls[0]?.usage?.outputTokens ?? 0) < 5) await sleep(10);
    await client.runs.cancel(thread_id, run.run_id, true);
    while (stub.bill.entries.length === 0) await sleep(10);
    const [billed] = stub.bill.entries;
    expect(billed!.outcome).toBe("aborted");
    const [call] = await callsOf(thread_id);
    expect(call).toMatchObject({ outcome: "aborted", is_estimated: true, input_tokens: billed!.inputTokens });
    // What was under way when the socket closed is the provider's to know: a token or two.
    expect(Math.abs(call!.output_tokens - billed!.outputTokens)).toBeLessThanOrEqual(2);
  });

  test("the entries of a run outlive its rollback and its thread", async () => {
    const threadId = await runOn(stubs.openai!, {});
    await connect().threads.delete(threadId);
    expect(await callsOf(threadId)).toMatchObject([{ outcome: "completed" }]);
  });
});

test("reports sum up by model, thread and day, in the API and in words a mistake can be found by", async () => {
  const threadId = await runOn(stubs.openai!, { calls: 3 });
  const [sum, ...none] = await read<Record<string, unknown>[]>(`/usage?group_by=model,day&thread_id=${threadId}`);
  expect(none).toEqual([]);
  const calls = await callsOf(threadId);
  expect(calls).toHaveLength(3);
  expect(sum).toMatchObject({
    group: { model: "gpt-4o", day: new Date().toISOString().slice(0, 10) },
    calls: 3,
    failed_calls: 0,
    unpriced_calls: 0,
    input_tokens: calls.reduce((total, { input_tokens }) => total + input_tokens, 0),
  });
  expect(sum!.cost_usd).toBeCloseTo(
    calls.reduce((total, { cost_usd }) => total + cost_usd!, 0),
    9,
  );
  const wrong = await fetch(`${server.url}/usage?group_by=colour`);
  expect(wrong.status).toBe(422);
  expect(await wrong.text()).toContain("group_by");
});

test("the price of a model in no table is unknown, never a guess", async () => {
  await using stub = await startOpenAiStub({ models: [{ id: "in-house-7", contextWindowTokens: 8_000 }] });
  const threadId = await runOn(stub, { models: ["openai:in-house-7"] });
  expect(await callsOf(threadId)).toMatchObject([{ outcome: "completed", cost_usd: null, price_source: null }]);
  const [sum] = await read<object[]>(`/usage?thread_id=${threadId}`);
  expect(sum).toMatchObject({ cost_usd: null, unpriced_calls: 1 });
});

test("a call whose worker is killed is found and estimated, and the next attempt's is counted by itself", async () => {
  await using stub = await startOpenAiStub({ tokenDelayMs: 30 });
  stub.script({ text: "word ".repeat(500) }, { text: "short" });
  const client = connect();
  await using api = await startTestServer({
    graphs: ["spend"],
    database: server.database,
    roles: { api: true, worker: false },
  });
  expect(api.url).not.toBe("");
  const { thread_id } = await client.threads.create();
  await using worker = await startWorker({ env: { DATABASE_URL: server.database.url } });
  // Only the other process may take it, so that killing it kills the call.
  await server.app.drain();
  const run = await SDK_LINES[0]!.connect(api.url).runs.create(thread_id, "spend", {
    input: question,
    config: { configurable: { model_url: stub.url } },
  });
  while (stub.calls.length === 0) await sleep(10);
  await worker.kill("SIGKILL");
  await using second = await startWorker({ env: { DATABASE_URL: server.database.url } });
  expect(second).toBeDefined();
  await untilRun(SDK_LINES[0]!.connect(api.url), run, "success");
  await server.database.pool.query(
    "update usage_entry set started_at = started_at - interval '1 minute' where outcome = 'running' and run_id = $1",
    [run.run_id],
  );
  const lost = async () => {
    const response = await fetch(`${api.url}/usage/calls?run_id=${run.run_id}&outcome=lost`);
    return (await response.json()) as ModelCall[];
  };
  while ((await lost()).length === 0) await sleep(200);
  expect(await lost()).toMatchObject([{ is_estimated: true, output_tokens: 0 }]);
  expect(Math.abs((await lost())[0]!.input_tokens - stub.calls[0]!.usage!.inputTokens)).toBeLessThanOrEqual(5);
  const done = (await (
    await fetch(`${api.url}/usage/calls?run_id=${run.run_id}&outcome=completed`)
  ).json()) as ModelCall[];
  expect(done).toHaveLength(1);
});
