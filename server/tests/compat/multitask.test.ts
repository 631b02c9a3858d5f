// What becomes of a run that is sent to a busy thread, by strategy, through both lines of the official client.
import { expect } from "vitest";
import { type RunKey, untilRun, untilValues } from "../harness/run-status.ts";
import type { SdkClient } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human, textsOf } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "steps"] });
const strategy = sdkTests(server, "a busy thread");

/** A conversation whose second turn is in the middle of its answer. */
async function startTalking(client: SdkClient, tokenMs: number): Promise<RunKey> {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "agent", { input: human("one") });
  const config = { configurable: { token_ms: tokenMs } };
  const run = await client.runs.create(thread_id, "agent", { input: human("two"), config });
  await untilValues(client, thread_id, ({ messages }) => messages.length === 3);
  return run;
}

const third = (multitaskStrategy: "reject" | "enqueue" | "interrupt" | "rollback") => ({
  input: human("three"),
  config: { configurable: { token_ms: 0 } },
  multitaskStrategy,
});

strategy("refuses a run with reject, and stays as it was", async ({ client }) => {
  const run = await startTalking(client, 30_000);
  const before = await client.threads.get(run.thread_id);
  await expect(client.runs.create(run.thread_id, "agent", third("reject"))).rejects.toThrow(
    /HTTP 409.*Thread is already running a task/s,
  );
  expect(await client.runs.list(run.thread_id)).toHaveLength(2);
  expect(await client.threads.get(run.thread_id)).toEqual(before);
  await client.runs.cancel(run.thread_id, run.run_id, true);
  await client.runs.wait(run.thread_id, "agent", third("reject"));
});

strategy("takes runs in order with enqueue, one at a time; it is the default", async ({ client }) => {
  const first = await startTalking(client, 200);
  const config = { configurable: { token_ms: 0 } };
  const queued: RunKey[] = [];
  for (const text of ["three", "four", "five"]) {
    queued.push(await client.runs.create(first.thread_id, "agent", { input: human(text), config }));
  }
  expect((await client.threads.get(first.thread_id)).status).toBe("busy");
  await client.runs.join(first.thread_id, queued.at(-1)!.run_id);
  const texts = textsOf(await client.threads.getState(first.thread_id));
  expect(texts).toEqual(["one", "two", "three", "four", "five"].flatMap((text) => [text, `You said: ${text}`]));
  expect((await client.runs.list(first.thread_id)).map(({ status }) => status)).toEqual(Array(5).fill("success"));
  expect((await client.threads.get(first.thread_id)).status).toBe("idle");
});

strategy("stops its run with interrupt and goes on from what that one saved", async ({ client }) => {
  const run = await startTalking(client, 30_000);
  const queued = await client.runs.create(run.thread_id, "agent", third("enqueue"));
  const values = await client.runs.wait(run.thread_id, "agent", third("interrupt"));
  expect(textsOf({ values } as never)).toEqual(["one", "You said: one", "two", "three", "You said: three"]);
  expect((await client.runs.get(run.thread_id, run.run_id)).status).toBe("interrupted");
  expect((await client.runs.get(run.thread_id, queued.run_id)).status).toBe("interrupted");
  const history = await client.threads.getHistory(run.thread_id, { metadata: { run_id: run.run_id } });
  expect(history.length).toBeGreaterThan(0);
});

strategy("forgets its run with rollback and goes on from before it", async ({ client }) => {
  const run = await startTalking(client, 30_000);
  const before = await client.threads.getHistory(run.thread_id, { metadata: { run_id: run.run_id } });
  expect(before.length).toBeGreaterThan(0);
  const queued = await client.runs.create(run.thread_id, "agent", third("enqueue"));
  const values = await client.runs.wait(run.thread_id, "agent", third("rollback"));
  expect(textsOf({ values } as never)).toEqual(["one", "You said: one", "three", "You said: three"]);
  for (const gone of [run, queued]) {
    await expect(client.runs.get(run.thread_id, gone.run_id)).rejects.toThrow(/HTTP 404.*Run not found/);
  }
  expect(await client.threads.getHistory(run.thread_id, { metadata: { run_id: run.run_id } })).toEqual([]);
  const thread = await client.threads.get(run.thread_id);
  expect(textsOf(thread as never)).toEqual(textsOf({ values } as never));
});

strategy("counts a delayed run too", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const delayed = await client.runs.create(thread_id, "agent", { input: human("later"), afterSeconds: 600 });
  await expect(client.runs.create(thread_id, "agent", third("reject"))).rejects.toThrow("HTTP 409");
  await client.runs.wait(thread_id, "agent", third("interrupt"));
  expect((await client.runs.get(thread_id, delayed.run_id)).status).toBe("interrupted");
});

strategy("with many interrupting runs at once ends with one conversation in one piece", async ({ client }) => {
  const run = await startTalking(client, 30_000);
  const config = { configurable: { token_ms: 0 } };
  const created = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      client.runs.create(run.thread_id, "agent", { input: human(`n${index}`), config, multitaskStrategy: "interrupt" }),
    ),
  );
  for (const each of created) await client.runs.join(run.thread_id, each.run_id);
  await untilRun(client, run, "interrupted");
  const runs = await client.runs.list(run.thread_id, { limit: 100 });
  expect(runs.every(({ status }) => ["success", "interrupted"].includes(status))).toBe(true);
  // Whichever was admitted last is not interrupted by anybody.
  expect(runs.some(({ status }) => status === "success")).toBe(true);
  expect((await client.threads.get(run.thread_id)).status).toBe("idle");
  const history = await client.threads.getHistory(run.thread_id, { limit: 1000 });
  const parents = history.map(({ parent_checkpoint }) => parent_checkpoint?.checkpoint_id);
  expect(new Set(parents).size).toBe(parents.length);
});
