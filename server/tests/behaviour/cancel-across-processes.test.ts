// A cancel reaches a run on another process within a second, and one that is not listened to takes effect all the same.
import { afterAll, beforeAll, expect, test } from "vitest";
import { untilRun, untilValues } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { type ServerProcess, startWorker } from "../harness/server-process.ts";
import { startSink } from "../harness/sink.ts";

/** The promise: a cancel on another process. */
const CANCEL_MAX_MS = 1_000;
/** The promise: a node that does not listen. */
const STUBBORN_MAX_MS = 2_000;

const api = useServer({ graphs: ["steps", "stubborn"], roles: { api: true, worker: false } });
let worker: ServerProcess;
beforeAll(async () => {
  worker = await startWorker({ env: { DATABASE_URL: api.database.url } });
});
afterAll(() => worker[Symbol.asyncDispose]());

const connect = () => SDK_LINES[0]!.connect(api.url);

test.each(["interrupt", "rollback"] as const)("%s reaches the other process within a second", async (action) => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 1, step_ms: 60_000 } },
  });
  await untilRun(client, run, "running");
  await untilValues(client, thread_id, ({ done }) => done === 0);
  const begun = performance.now();
  await client.runs.cancel(thread_id, run.run_id, true, action);
  expect(performance.now() - begun).toBeLessThan(CANCEL_MAX_MS);
  if (action === "rollback") await expect(client.runs.get(thread_id, run.run_id)).rejects.toThrow("HTTP 404");
  else expect((await client.runs.get(thread_id, run.run_id)).status).toBe("interrupted");
  expect((await client.threads.get(thread_id)).status).not.toBe("busy");
});

test("a node that does not listen is left behind within two seconds, and what it does later changes nothing", async () => {
  await using sink = await startSink();
  const client = connect();
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "stubborn", {
    input: {},
    config: { configurable: { work_ms: 3_000, sink_url: sink.url } },
    streamMode: ["custom", "values"],
  });
  await untilValues(client, thread_id, ({ log }) => log?.length === 1);
  const begun = performance.now();
  await client.runs.cancel(thread_id, run.run_id, true);
  expect(performance.now() - begun).toBeLessThan(STUBBORN_MAX_MS);
  const stream = `${api.url}/threads/${thread_id}/runs/${run.run_id}/stream`;
  const readEvents = async () => (await fetch(stream, { headers: { "last-event-id": "-1" } })).text();
  const before = { events: await readEvents(), history: await client.threads.getHistory(thread_id) };
  expect(before.events).toContain('"working"');
  expect(sink.effects).toEqual([]);

  // The thread is free for another run while the old node still works.
  const next = await client.runs.wait(thread_id, "stubborn", {
    input: { log: ["next"] },
    config: { configurable: { work_ms: 0, sink_url: null } },
  });
  expect(next).toEqual({ log: ["first", "next", "first", "worked"] });
  const history = await client.threads.getHistory(thread_id);

  await sink.waitFor(({ phase }) => phase === "late");
  // What the late node writes would follow its report at once; another run's round trip is long after that.
  await client.runs.wait(null, "stubborn", { input: {}, config: { configurable: { work_ms: 0 } } });
  expect(await readEvents()).toBe(before.events);
  expect(await client.threads.getHistory(thread_id)).toEqual(history);
  expect(history.slice(-before.history.length)).toEqual(before.history);
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("interrupted");
});
