// Faults strike as told, reproducibly, and what they cost is on the bill.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAnthropicStub } from "./anthropic/start.ts";
import type { Fault } from "./fault.ts";
import { startOllamaStub } from "./ollama/start.ts";
import { startOpenAiStub } from "./openai/start.ts";
import type { ProviderStub } from "./stub-server.ts";

let stub: ProviderStub;
beforeEach(async () => {
  stub = await startOpenAiStub();
});
afterEach(() => stub.close());

const ask = (options: { stream?: boolean; signal?: AbortSignal } = {}) =>
  fetch(`${stub.url}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer test-key", "content-type": "application/json" },
    body: JSON.stringify({
      model: "gpt-4o",
      messages: [{ role: "user", content: "Hello there" }],
      stream: options.stream ?? false,
    }),
    signal: options.signal,
  });

describe("faults before the answer", () => {
  it("answers 429 with and without Retry-After, 500, 503, and costs nothing", async () => {
    stub.faults.next(
      { kind: "rate-limit", retryAfterSeconds: 3 },
      { kind: "rate-limit" },
      { kind: "server-error" },
      { kind: "overloaded" },
    );
    const answers = [await ask(), await ask(), await ask(), await ask(), await ask()];
    expect(answers.map((answer) => answer.status)).toEqual([429, 429, 500, 503, 200]);
    expect(answers.map((answer) => answer.headers.get("retry-after"))).toEqual(["3", null, null, null, null]);
    expect(stub.bill.entries).toHaveLength(1);
    expect(stub.faults.injected).toHaveLength(4);
  });

  it("answers 529 for Anthropic", async () => {
    await using anthropic = await startAnthropicStub();
    anthropic.faults.next({ kind: "overloaded" });
    const headers = { "x-api-key": "test-key", "anthropic-version": "2023-06-01" };
    const response = await fetch(`${anthropic.url}/v1/messages`, { method: "POST", headers, body: "{}" });
    expect(response.status).toBe(529);
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
  });

  it("drops before the headers", async () => {
    stub.faults.next({ kind: "drop" });
    await expect(ask()).rejects.toThrow();
    expect(stub.calls[0]).toMatchObject({ isAborted: false, fault: { kind: "drop" } });
    expect(stub.calls[0]!.status).toBeUndefined();
  });

  it("hangs until the client gives up", async () => {
    stub.faults.next({ kind: "hang" });
    await expect(ask({ signal: AbortSignal.timeout(400) })).rejects.toThrow();
    await expect.poll(() => stub.calls[0]!.endedAt).toBeDefined();
    expect(stub.calls[0]!.isAborted).toBe(true);
    expect(stub.bill.entries).toEqual([]);
  });

  it("delays", async () => {
    stub.faults.next({ kind: "delay", delayMs: 80 });
    const startedAt = performance.now();
    expect((await ask()).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThan(75);
  });
});

describe("faults within the answer", () => {
  it.each([
    [{ kind: "drop", afterTokens: 2 }, "failed", 2],
    [{ kind: "malformed", afterTokens: 3 }, "failed", 3],
    [{ kind: "error-event", afterTokens: 1 }, "failed", 1],
  ] as [Fault, string, number][])("%j is billed for what was generated", async (fault, outcome, outputTokens) => {
    stub.faults.next(fault);
    const text = await ask({ stream: true })
      .then((response) => response.text())
      .catch(() => "cut");
    if (fault.kind === "malformed") expect(text).toMatch(/"delta":\n\n$/);
    if (fault.kind === "error-event") expect(text).toContain('"type":"server_error"');
    if (fault.kind === "drop") expect(text).toBe("cut");
    await expect.poll(() => stub.bill.entries).toMatchObject([{ outcome, outputTokens }]);
  });

  it("stalls in the middle and notices when the client gives up", async () => {
    stub.faults.next({ kind: "hang", afterTokens: 2 });
    await expect(
      ask({ stream: true, signal: AbortSignal.timeout(600) }).then((response) => response.text()),
    ).rejects.toThrow();
    await expect.poll(() => stub.bill.entries).toMatchObject([{ outcome: "aborted", outputTokens: 2 }]);
  });

  it("sends slowly", async () => {
    stub.faults.next({ kind: "slow-tokens", tokenDelayMs: 10 });
    const startedAt = performance.now();
    await (await ask({ stream: true })).text();
    expect(performance.now() - startedAt).toBeGreaterThan(60);
  });

  it("cuts off a body that is not streamed", async () => {
    stub.faults.next({ kind: "malformed" });
    await expect((await ask()).json()).rejects.toThrow();
  });
});

describe("faults by chance", () => {
  it("hits the same calls under the same seed, about as often as told", async () => {
    const run = async (seed: number) => {
      await using fresh = await startOllamaStub();
      fresh.faults.atRandom({ seed, probability: 0.3, faults: [{ kind: "server-error" }, { kind: "rate-limit" }] });
      const statuses: number[] = [];
      for (let count = 0; count < 60; count++) {
        const body = JSON.stringify({ model: "llama3", messages: [{ role: "user", content: "x" }], stream: false });
        statuses.push((await fetch(`${fresh.url}/api/chat`, { method: "POST", body })).status);
      }
      return statuses;
    };
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first.filter((status) => status !== 200).length).toBeGreaterThan(8);
    expect(first.filter((status) => status !== 200).length).toBeLessThan(30);
  });
});
