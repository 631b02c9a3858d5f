// Two worker processes and one provider: a rate and a breaker of a model hold for both together.
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { type ServerProcess, startWorker } from "../harness/server-process.ts";

const api = useServer({ graphs: ["spend"], roles: { api: true, worker: false } });
const workers: ServerProcess[] = [];
let stub: ProviderStub;
beforeAll(async () => {
  stub = await startOpenAiStub();
  const env = { DATABASE_URL: api.database.url, HOLDFAST_SLOTS: "5" };
  workers.push(...(await Promise.all([startWorker({ env }), startWorker({ env })])));
});
afterAll(async () => {
  for (const worker of workers) await worker[Symbol.asyncDispose]();
  await stub.close();
});
beforeEach(() => stub.faults.clear());

function run(configurable: object) {
  return SDK_LINES[0]!.connect(api.url).runs.wait(null, "spend", {
    input: { messages: [{ role: "user", content: "Go" }] },
    config: { configurable: { model_url: stub.url, ...configurable } },
  });
}

const callsOf = (model: string) => stub.calls.filter(({ body }) => (body as { model?: string }).model === model);

test("calls of a model keep its rate, whichever worker makes them", async () => {
  // One a second, six at once: two workers by themselves would let twelve through.
  const settings = { models: ["openai:gpt-4o", "openai:gpt-4o-mini"], perMinuteMax: 60 };
  await Promise.all(Array.from({ length: 10 }, () => run(settings)));
  const times = callsOf("gpt-4o").map(({ startedAt }) => startedAt);
  expect(times).toHaveLength(10);
  const first = Math.min(...times);
  expect(times.filter((time) => time - first < 900).length).toBeLessThanOrEqual(7);
  expect(Math.max(...times) - first).toBeGreaterThan(2_500);
});

test("a model that failed for one worker is left alone by the other", async () => {
  const settings = { models: ["openai:gpt-5", "openai:gpt-4o-mini"] };
  stub.faults.when(({ body }) =>
    (body as { model?: string }).model === "gpt-5" ? { kind: "server-error" } : undefined,
  );
  for (let count = 0; count < 12; count++) await run(settings);
  expect(stub.faults.injected.length).toBeGreaterThanOrEqual(5);
  // Five failures in a row open it, and an answer makes three tries at most; two by themselves would make ten calls and more.
  expect(callsOf("gpt-5").length).toBeLessThanOrEqual(7);
  const before = callsOf("gpt-5").length;
  await Promise.all(Array.from({ length: 10 }, () => run(settings)));
  expect(callsOf("gpt-5").length).toBe(before);
});
