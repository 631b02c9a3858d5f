// Streams go on across the death of the process that served them: no event lost, none twice, one end.
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import type { Frame } from "../harness/plain-http.ts";
import { collect, SDK_LINES } from "../harness/sdk-lines.ts";
import { findFreePort, type ServerProcess, startApi, startWorker } from "../harness/server-process.ts";
import { readStream } from "../harness/stream-reader.ts";

const EVENTS = 60;
const paced = { configurable: { events: EVENTS, event_bytes: 10, pause_ms: 50 } };

let database: TestDatabase;
let worker: ServerProcess;
beforeAll(async () => {
  database = await openTestDatabase();
  worker = await startWorker({ env: { DATABASE_URL: database.url } });
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await database.close();
});

/** Follows a run to its end, coming back with the last id whenever the connection breaks. */
async function follow(stream: string): Promise<{ frames: Frame[]; breaks: number }> {
  const frames: Frame[] = [];
  let breaks = 0;
  for (;;) {
    const headers = { "last-event-id": frames.at(-1)?.id ?? "-1" };
    const reader = await readStream(stream, { headers }).catch(() => undefined);
    const isOver = (await reader?.ended) === true;
    frames.push(...(reader?.frames ?? []));
    if (isOver) return { frames, breaks };
    breaks++;
    await sleep(50);
  }
}

test("clients that follow a run when its API is killed all have every event once", async () => {
  const port = await findFreePort();
  const options = { port, env: { DATABASE_URL: database.url } };
  await using api = await startApi(options);
  const client = SDK_LINES[0]!.connect(api.url);
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "burst", { input: {}, config: paced, streamMode: ["custom"] });
  const stream = `${api.url}/threads/${thread_id}/runs/${run.run_id}/stream`;
  const following = [follow(stream), follow(stream), follow(stream)];
  const probe = await readStream(stream, { headers: { "last-event-id": "-1" } });
  await probe.waitForFrames(10);
  await api.kill("SIGKILL");
  expect(await probe.ended).toBe(false);
  await using again = await startApi(options);
  for (const { frames, breaks } of await Promise.all(following)) {
    expect(breaks).toBeGreaterThan(0);
    expect(frames.map(({ id }) => Number(id))).toEqual(frames.map((_, index) => index));
    const numbers = frames.filter(({ event }) => event === "custom").map(({ data }) => JSON.parse(data).number);
    expect(numbers).toEqual(Array.from({ length: EVENTS }, (_, index) => index));
    expect(frames.filter(({ event }) => event === "error")).toEqual([]);
  }
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("success");
  expect(again.output()).not.toMatch(/"level":"?(error|50|fatal|60)/);
}, 90_000);

test("the newest client comes back by itself and gives its caller every event once", async () => {
  const port = await findFreePort();
  const options = { port, env: { DATABASE_URL: database.url } };
  await using api = await startApi(options);
  // Its own retries are what this test is about.
  const client = new Client({ apiUrl: api.url, apiKey: null, callerOptions: { maxRetries: 8 } });
  const { thread_id } = await client.threads.create();
  let isKilled = false;
  let restarted: Promise<ServerProcess> | undefined;
  const numbers: number[] = [];
  const stream = client.runs.stream(thread_id, "burst", {
    input: {},
    config: paced,
    streamMode: "custom",
    streamResumable: true,
  });
  for await (const { event, data } of stream) {
    if (event !== "custom") continue;
    numbers.push((data as { number: number }).number);
    if (numbers.length === 10 && !isKilled) {
      isKilled = true;
      restarted = api.kill("SIGKILL").then(() => startApi(options));
    }
  }
  await using again = await restarted!;
  expect(again.child.exitCode).toBeNull();
  expect(numbers).toEqual(Array.from({ length: EVENTS }, (_, index) => index));
}, 90_000);

test("a stream of an ended run can be read again from a process that never saw it", async () => {
  const options = { env: { DATABASE_URL: database.url } };
  await using first = await startApi(options);
  const client = SDK_LINES[0]!.connect(first.url);
  const { thread_id } = await client.threads.create();
  const config = { configurable: { events: 5, event_bytes: 10 } };
  const seen = await collect(
    client.runs.stream(thread_id, "burst", { input: {}, config, streamMode: "custom", streamResumable: true }),
  );
  await first.kill("SIGKILL");
  await using second = await startApi(options);
  const runId = seen[0]!.data.run_id;
  const other = SDK_LINES[0]!.connect(second.url);
  expect(await collect(other.runs.joinStream(thread_id, runId, { lastEventId: "-1" }))).toEqual(seen);
  expect(await other.runs.join(thread_id, runId)).toEqual({ sent: 5 });
}, 60_000);
