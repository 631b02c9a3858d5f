// What is bounded: time of a run, runs at once, runs waiting.
import { afterEach, expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { untilRun } from "../harness/run-status.ts";
import { collect, SDK_LINES } from "../harness/sdk-lines.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../harness/test-server.ts";

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(options: TestServerOptions) {
  const server = await startTestServer(options);
  servers.push(server);
  return { server, client: SDK_LINES[0]!.connect(server.url) };
}

test("a run that takes too long ends as a timeout, says so, and leaves its thread free", async () => {
  const { client } = await start({ graphs: ["steps"], env: { HOLDFAST_RUN_TIMEOUT_MS: "300" } });
  const { thread_id } = await client.threads.create();
  const items = await collect(
    client.runs.stream(thread_id, "steps", { input: {}, config: { configurable: { steps: 1, step_ms: 60_000 } } }),
  );
  expect(items.at(-1)).toMatchObject({ event: "error", data: { error: "RunTimeoutError" } });
  const [run] = await client.runs.list(thread_id);
  expect(run!.status).toBe("timeout");
  expect((await client.threads.get(thread_id)).status).toBe("error");
  const again = client.runs.wait(thread_id, "steps", { input: {}, config: { configurable: { steps: 1, step_ms: 0 } } });
  expect(await again).toMatchObject({ done: 1 });
});

test("more runs than slots wait their turn", async () => {
  const { client } = await start({ graphs: ["steps"], env: { HOLDFAST_SLOTS: "2" } });
  const config = { configurable: { steps: 1, step_ms: 100 } };
  const waits = Array.from({ length: 8 }, () => client.runs.wait(null, "steps", { input: {}, config }));
  const begun = performance.now();
  for (const answer of await Promise.all(waits)) expect(answer).toMatchObject({ done: 1 });
  // Four rounds of two: faster would mean that more than two ran at once.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(390);
});

test("a full queue refuses runs with 503 until there is room", async () => {
  const { server, client } = await start({ graphs: ["loose"], env: { HOLDFAST_QUEUE_DEPTH_MAX: "3" } });
  const waiting = [];
  for (let count = 0; count < 3; count++) {
    const { thread_id } = await client.threads.create();
    waiting.push(await client.runs.create(thread_id, "loose", { input: {}, afterSeconds: 600 }));
  }
  const refused = await send("POST", `${server.url}/runs`, { assistant_id: "loose", input: {} });
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(refused.json.detail).toContain("HOLDFAST_QUEUE_DEPTH_MAX");
  await client.runs.cancel(waiting[0]!.thread_id, waiting[0]!.run_id);
  await expect
    .poll(async () => (await send("POST", `${server.url}/runs`, { assistant_id: "loose", input: {} })).status, {
      timeout: 10_000,
    })
    .toBe(200);
});

test("a worker that starts later finds what is waiting, delayed runs too", async () => {
  const { server, client } = await start({ graphs: ["loose"], roles: { api: true, worker: false } });
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "loose", { input: { value: 1 } });
  const delayed = await client.runs.create(thread_id, "loose", { input: { value: 2 }, afterSeconds: 0.5 });
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("pending");
  await start({ graphs: ["loose"], roles: { api: false, worker: true }, database: server.database });
  await untilRun(client, run, "success");
  await untilRun(client, delayed, "success");
  expect((await client.threads.getState(thread_id)).values).toEqual({ value: 2 });
  // The worker must go before the database that it shares.
  await servers.pop()![Symbol.asyncDispose]();
});
