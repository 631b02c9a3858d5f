// Removing what is in use: threads, runs and assistants under a running run, and what is left of them.
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { type RunKey, untilRun, untilValues } from "../harness/run-status.ts";
import { SDK_LINES, type SdkClient } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { readStream } from "../harness/stream-reader.ts";

// A worker learns of a deleted thread with its next heartbeat.
const server = useServer({ graphs: ["steps", "loose"], env: { HOLDFAST_HEARTBEAT_INTERVAL_MS: "300" } });
const connect = () => SDK_LINES[0]!.connect(server.url);
const long = { input: {}, config: { configurable: { steps: 1, step_ms: 60_000 } } };

async function startLongRun(client: SdkClient): Promise<RunKey> {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", long);
  await untilValues(client, thread_id, ({ done }) => done === 0);
  return run;
}

/** How many rows of the thread are left, of any kind. */
async function countLeftovers(threadId: string): Promise<number> {
  const { rows } = await server.database.pool.query<{ table: string }>(
    `select table_name as table from information_schema.columns
     where column_name = 'thread_id' and table_schema = 'public' and table_name not like 'webhook%'`,
  );
  let count = 0;
  for (const { table } of rows) {
    const found = await server.database.pool.query(`select 1 from "${table}" where thread_id::text = $1`, [threadId]);
    count += found.rowCount ?? 0;
  }
  return count;
}

test("a thread deleted under its run takes everything along, and the run writes nothing more", async () => {
  const client = connect();
  const run = await startLongRun(client);
  const stream = await readStream(`${server.url}/threads/${run.thread_id}/runs/${run.run_id}/stream`);
  const joined = client.runs.join(run.thread_id, run.run_id);
  await client.threads.delete(run.thread_id);
  await expect(client.threads.get(run.thread_id)).rejects.toThrow("HTTP 404");
  await stream.ended;
  await expect(joined).resolves.toBeTypeOf("object");
  await expect.poll(() => countLeftovers(run.thread_id), { timeout: 10_000 }).toBe(0);
  await expect
    .poll(async () => (await send("GET", `${server.url}/metrics`)).text, { timeout: 15_000 })
    .toMatch(/^lg_api_workers_active 0$/m);
  expect(await countLeftovers(run.thread_id)).toBe(0);
}, 40_000);

test("a run cannot be deleted while it runs; once cancelled it goes with its checkpoints", async () => {
  const client = connect();
  const run = await startLongRun(client);
  await expect(client.runs.delete(run.thread_id, run.run_id)).rejects.toThrow(/HTTP 409.*Cancel it first/);
  await client.runs.cancel(run.thread_id, run.run_id, true);
  await client.runs.delete(run.thread_id, run.run_id);
  await expect(client.runs.get(run.thread_id, run.run_id)).rejects.toThrow("HTTP 404");
  expect(await client.threads.getHistory(run.thread_id)).toEqual([]);
  expect(await client.threads.get(run.thread_id)).toMatchObject({ status: "idle", values: null });
  const config = { configurable: { steps: 1, step_ms: 0 } };
  expect(await client.runs.wait(run.thread_id, "steps", { input: {}, config })).toMatchObject({ done: 1 });
}, 40_000);

test("a pending run deleted frees its thread", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "loose", { input: {}, afterSeconds: 600 });
  await client.runs.delete(thread_id, run.run_id);
  expect((await client.threads.get(thread_id)).status).toBe("idle");
});

test("an assistant deleted under its run leaves the run alone or ends it, never a busy thread", async () => {
  const client = connect();
  const { assistant_id } = await client.assistants.create({ graphId: "steps" });
  const { thread_id } = await client.threads.create();
  await client.runs.create(thread_id, assistant_id, {
    input: {},
    config: { configurable: { steps: 2, step_ms: 150 } },
  });
  await untilValues(client, thread_id, ({ done }) => done === 0);
  await client.assistants.delete(assistant_id);
  const status = () => client.threads.get(thread_id).then((thread) => thread.status);
  await expect.poll(status, { timeout: 10_000 }).toBe("idle");
  expect(await client.runs.wait(thread_id, "loose", { input: { value: 1 } })).toMatchObject({ value: 1 });
}, 40_000);

test("a thread pruned under its run keeps what the run needs", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 6, step_ms: 60 } },
  });
  await untilValues(client, thread_id, ({ done }) => done >= 2);
  await client.threads.prune([thread_id], { strategy: "keep_latest" });
  await untilRun(client, run, "success");
  const { values } = await client.threads.getState<{ done: number; messages: unknown[] }>(thread_id);
  expect([values.done, values.messages.length]).toEqual([6, 6]);
}, 40_000);

test("a thread copied while it runs is a whole one at rest", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 8, step_ms: 40 } },
  });
  await untilValues(client, thread_id, ({ done }) => done >= 2);
  const copies = await Promise.all([1, 2, 3, 4].map(() => client.threads.copy(thread_id)));
  await untilRun(client, run, "success");
  for (const copy of copies) {
    expect(copy.status).toBe("idle");
    const state = await client.threads.getState<{ done: number; messages: unknown[] }>(copy.thread_id);
    expect(state.values.messages).toHaveLength(state.values.done);
    expect((await client.threads.get(copy.thread_id)).values).toEqual(state.values);
    const values = await client.runs.wait(copy.thread_id, "steps", {
      input: null,
      config: { configurable: { steps: 8, step_ms: 0 } },
    });
    expect(values).toMatchObject({ done: 8 });
  }
}, 40_000);
