// A run that was started in the background is written in long batches; once somebody follows its stream, in short ones.
import { setTimeout as sleep } from "node:timers/promises";
import { Client as Database } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SDK_LINES, type SdkClient } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { type ServerProcess, startWorker } from "../harness/server-process.ts";

/** Events of a run, and the pause between them: long enough for a short batch, so that each event could have its own. */
const EVENT_COUNT = 40;
const PAUSE_MS = 30;

const api = useServer({ graphs: ["burst"], roles: { api: true, worker: false } });
let worker: ServerProcess | undefined;
afterAll(() => worker?.[Symbol.asyncDispose]());

const connect = () => SDK_LINES[0]!.connect(api.url);

const startInBackground = async (client: SdkClient) => {
  const { thread_id } = await client.threads.create();
  return client.runs.create(thread_id, "burst", {
    input: {},
    streamMode: ["custom"],
    config: { configurable: { events: EVENT_COUNT, pause_ms: PAUSE_MS } },
  });
};

const readTokens = async (client: SdkClient, run: { thread_id: string; run_id: string }) => {
  let received = 0;
  for await (const { event } of client.runs.joinStream(run.thread_id, run.run_id, { lastEventId: "-1" })) {
    if (event === "custom") received++;
  }
  return received;
};

/** Rows of one insert carry the number of one transaction. */
const countBatches = async ({ run_id }: { run_id: string }) => {
  const database = new Database({ connectionString: api.database.url });
  await database.connect();
  try {
    const { rows } = await database.query<{ batches: number }>(
      "select count(distinct xmin::text)::int as batches from run_event where run_id = $1 and event = 'custom'",
      [run_id],
    );
    return rows[0]!.batches;
  } finally {
    await database.end();
  }
};

let unfollowedBatches = 0;
beforeAll(async () => {
  worker = await startWorker({ env: { DATABASE_URL: api.database.url } });
  const client = connect();
  const run = await startInBackground(client);
  await client.runs.join(run.thread_id, run.run_id);
  unfollowedBatches = await countBatches(run);
});

test("without a follower several events share a batch", () => {
  expect(unfollowedBatches).toBeGreaterThan(1);
  expect(unfollowedBatches).toBeLessThan(EVENT_COUNT / 2);
});

test("a follower that joins at once gets each event soon, on another process too", async () => {
  const client = connect();
  const run = await startInBackground(client);
  expect(await readTokens(client, run)).toBe(EVENT_COUNT);
  expect(await countBatches(run)).toBeGreaterThan(unfollowedBatches * 1.5);
});

test("a follower that joins in the middle shortens the batches from then on", async () => {
  const client = connect();
  const run = await startInBackground(client);
  await sleep((EVENT_COUNT * PAUSE_MS) / 4);
  expect(await readTokens(client, run)).toBe(EVENT_COUNT);
  expect(await countBatches(run)).toBeGreaterThan(unfollowedBatches * 1.5);
});

test("a run that waits remembers who follows it already", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "burst", {
    input: {},
    streamMode: ["custom"],
    afterSeconds: 1,
    config: { configurable: { events: EVENT_COUNT, pause_ms: PAUSE_MS } },
  });
  expect(await readTokens(client, { ...run, thread_id })).toBe(EVENT_COUNT);
  expect(await countBatches(run)).toBeGreaterThan(unfollowedBatches * 1.5);
});
