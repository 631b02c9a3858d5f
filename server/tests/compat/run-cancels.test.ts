// Cancelling runs, in each way and at each time, through both lines of the official client.
import { expect } from "vitest";
import { UNKNOWN_ID } from "../harness/plain-http.ts";
import { type RunKey, untilRun, untilValues } from "../harness/run-status.ts";
import { collect, namesOf, type SdkClient } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "steps"] });
const cancelling = sdkTests(server, "cancelling");

/** A run that has written two steps and is busy with the third for a minute. */
async function startLongRun(client: SdkClient): Promise<RunKey> {
  const { thread_id } = await client.threads.create();
  const config = { configurable: { steps: 2, step_ms: 0 } };
  await client.runs.wait(thread_id, "steps", { input: {}, config });
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 9, step_ms: 60_000 } },
  });
  await untilRun(client, run, "running");
  await untilValues(client, thread_id, ({ done }) => done === 0);
  return run;
}

cancelling("a running run interrupts it and keeps its checkpoints", async ({ client }) => {
  const run = await startLongRun(client);
  const joined = collect(client.runs.joinStream(run.thread_id, run.run_id, { lastEventId: "-1" }));
  await client.runs.cancel(run.thread_id, run.run_id, true);
  expect((await client.runs.get(run.thread_id, run.run_id)).status).toBe("interrupted");
  const thread = await client.threads.get(run.thread_id);
  expect(thread.status).not.toBe("busy");
  expect(thread.values).toMatchObject({ done: 0 });
  const history = await client.threads.getHistory(run.thread_id, { metadata: { run_id: run.run_id } });
  expect(history.length).toBeGreaterThan(0);
  expect(namesOf(await joined)).not.toContain("error");
  expect(await client.runs.join(run.thread_id, run.run_id)).toEqual(thread.values);
});

cancelling("without waiting answers at once; the run ends soon", async ({ client }) => {
  const run = await startLongRun(client);
  await client.runs.cancel(run.thread_id, run.run_id, false);
  await untilRun(client, run, "interrupted");
});

cancelling("with rollback removes the run and every checkpoint it wrote", async ({ client }) => {
  const run = await startLongRun(client);
  const joined = collect(client.runs.joinStream(run.thread_id, run.run_id, { lastEventId: "-1" }));
  await client.runs.cancel(run.thread_id, run.run_id, true, "rollback");
  await expect(client.runs.get(run.thread_id, run.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  const thread = await client.threads.get(run.thread_id);
  expect(thread).toMatchObject({ status: "idle", values: { done: 2 } });
  const history = await client.threads.getHistory(run.thread_id);
  expect(history.some(({ metadata }) => metadata?.run_id === run.run_id)).toBe(false);
  expect(history[0]!.values).toEqual(thread.values);
  expect(namesOf(await joined)).not.toContain("error");
});

cancelling("a pending run ends it at once", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi"), afterSeconds: 600 });
  await client.runs.cancel(thread_id, run.run_id);
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("interrupted");
  expect((await client.threads.get(thread_id)).status).toBe("idle");
  const other = await client.runs.create(thread_id, "agent", { input: human("hi"), afterSeconds: 600 });
  await client.runs.cancel(thread_id, other.run_id, true, "rollback");
  await expect(client.runs.get(thread_id, other.run_id)).rejects.toThrow("HTTP 404");
});

cancelling("a run that has ended changes nothing", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi") });
  await client.runs.join(thread_id, run.run_id);
  await client.runs.cancel(thread_id, run.run_id, true, "rollback");
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("success");
  expect(await client.threads.getHistory(thread_id)).toHaveLength(3);
});

cancelling("an unknown run, or one of another thread, is 404", async ({ client }) => {
  const run = await startLongRun(client);
  const { thread_id } = await client.threads.create();
  await expect(client.runs.cancel(thread_id, UNKNOWN_ID)).rejects.toThrow(/HTTP 404.*Run not found/);
  await expect(client.runs.cancel(thread_id, run.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  expect((await client.runs.get(run.thread_id, run.run_id)).status).toBe("running");
  await client.runs.cancel(run.thread_id, run.run_id, true);
});

cancelling(
  "many runs at once: by id, by status, of one thread",
  async ({ client }) => {
    const runs = await Promise.all([startLongRun(client), startLongRun(client), startLongRun(client)]);
    await client.runs.cancelMany({ threadId: runs[0]!.thread_id, runIds: [runs[0]!.run_id] });
    await untilRun(client, runs[0]!, "interrupted");
    expect((await client.runs.get(runs[1]!.thread_id, runs[1]!.run_id)).status).toBe("running");
    await client.runs.cancelMany({ threadId: runs[1]!.thread_id, status: "running" });
    await untilRun(client, runs[1]!, "interrupted");
    await client.runs.cancelMany({ status: "all" });
    await untilRun(client, runs[2]!, "interrupted");
    await expect(client.runs.cancelMany({ runIds: [UNKNOWN_ID] })).rejects.toThrow("HTTP 404");
    await expect(client.runs.cancelMany({})).rejects.toThrow("HTTP 422");
  },
  { versions: ["1.15.0"] },
);

cancelling(
  "keeps the reason given",
  async ({ client }) => {
    const run = await startLongRun(client);
    await client.runs.cancel(run.thread_id, run.run_id, true, "interrupt", { reason: "taken" });
    expect(await client.runs.get(run.thread_id, run.run_id)).toMatchObject({
      cancel_reason: expect.stringMatching(/^taken/),
    });
  },
  { versions: ["1.15.0"] },
);

cancelling("by disconnect happens only where it was asked for", async ({ client }) => {
  for (const [onDisconnect, status] of [
    ["cancel", "interrupted"],
    ["continue", "success"],
  ] as const) {
    const { thread_id } = await client.threads.create();
    const leave = new AbortController();
    const stream = client.runs.stream(thread_id, "steps", {
      input: {},
      config: { configurable: { steps: 1, step_ms: 400 } },
      streamMode: "custom",
      onDisconnect,
      signal: leave.signal,
    });
    for await (const { event } of stream) {
      if (event === "custom") break;
    }
    leave.abort();
    const [run] = await client.runs.list(thread_id);
    await untilRun(client, run!, status);
  }
});

cancelling("a conversation leaves a thread that can go on", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", {
    input: human("hello there"),
    config: { configurable: { token_ms: 30_000 } },
  });
  await untilValues(client, thread_id, ({ messages }) => messages?.length === 1);
  await client.runs.cancel(thread_id, run.run_id, true);
  const config = { configurable: { token_ms: 0 } };
  const values = await client.runs.wait(thread_id, "agent", { input: human("again"), config });
  expect(values).toMatchObject({
    messages: [{ content: "hello there" }, { content: "again" }, { content: "You said: again" }],
  });
});

cancelling("by disconnect of a wait works like that of a stream", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const leave = new AbortController();
  const waiting = client.runs.wait(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 1, step_ms: 60_000 } },
    onDisconnect: "cancel",
    signal: leave.signal,
  });
  await untilValues(client, thread_id, ({ done }) => done === 0);
  leave.abort();
  await expect(waiting).rejects.toThrow();
  const [run] = await client.runs.list(thread_id);
  await untilRun(client, run!, "interrupted");
});
