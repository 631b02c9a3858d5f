// A deploy: a worker that is told to stop hands its runs over at a step's end; nothing is done twice, nobody notices.
import { expect, test } from "vitest";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { startWorker } from "../harness/server-process.ts";
import { type Effect, startSink } from "../harness/sink.ts";
import { readStream } from "../harness/stream-reader.ts";

const STEPS = 5;

const api = useServer({ graphs: ["steps"], roles: { api: true, worker: false } });

/** Steps in the order in which they reached a phase. */
const stepsOf = (effects: Effect[], phase: string) =>
  effects.filter((effect) => effect.phase === phase).map(({ step }) => step);

test("SIGTERM mid-run: another worker goes on after the step that was being done", async () => {
  await using sink = await startSink();
  const env = { DATABASE_URL: api.database.url, HOLDFAST_DRAIN_GRACE_MS: "0" };
  await using first = await startWorker({ env });
  const client = SDK_LINES[0]!.connect(api.url);
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    streamMode: ["custom"],
    config: { configurable: { steps: STEPS, step_ms: 400, sink_url: sink.url } },
  });
  const stream = await readStream(`${api.url}/threads/${thread_id}/runs/${run.run_id}/stream`, {
    headers: { "last-event-id": "-1" },
  });
  await sink.waitFor(({ step, phase }) => step === 2 && phase === "begin");
  expect(await first.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  await using second = await startWorker({ env });

  expect(await client.runs.join(thread_id, run.run_id)).toMatchObject({ done: STEPS });
  // It did change hands: both worked on it, one after the other.
  const workers = sink.effects.filter(({ phase }) => phase === "end").map(({ pid }) => pid);
  expect([...new Set(workers)]).toEqual([first.child.pid, second.child.pid]);
  const each = Array.from({ length: STEPS }, (_, index) => index + 1);
  expect(stepsOf(sink.effects, "begin")).toEqual(each);
  expect(stepsOf(sink.effects, "end")).toEqual(each);
  expect(await stream.ended).toBe(true);
  expect(stream.frames.map(({ id }) => Number(id))).toEqual(stream.frames.map((_, index) => index));
  const begun = stream.frames.filter(({ event }) => event === "custom").map(({ data }) => JSON.parse(data).begun);
  expect(begun).toEqual(each);
  const history = await client.threads.getHistory(thread_id, { limit: 100 });
  expect(new Set(history.map(({ metadata }) => metadata?.step)).size).toBe(history.length);
  expect(await second.kill("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);

test("SIGTERM with time to finish: the run ends where it was", async () => {
  await using sink = await startSink();
  await using worker = await startWorker({ env: { DATABASE_URL: api.database.url, HOLDFAST_DRAIN_GRACE_MS: "20000" } });
  const client = SDK_LINES[0]!.connect(api.url);
  const { thread_id } = await client.threads.create();
  const config = { configurable: { steps: 2, step_ms: 300, sink_url: sink.url } };
  const run = await client.runs.create(thread_id, "steps", { input: {}, config });
  await sink.waitFor(({ phase }) => phase === "begin");
  expect(await worker.kill("SIGTERM")).toEqual({ code: 0, signal: null });
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("success");
  expect(stepsOf(sink.effects, "end")).toEqual([1, 2]);
}, 60_000);
