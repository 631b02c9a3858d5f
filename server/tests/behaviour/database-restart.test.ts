// PostgreSQL goes away in the middle of a run and comes back: clients are told to wait, and the run survives.
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../src/postgres/embedded/embedded-postgres.ts";
import { migrate } from "../../src/postgres/migrate.ts";
import { send } from "../harness/plain-http.ts";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { type ServerProcess, startApi } from "../harness/server-process.ts";
import { type Sink, startSink } from "../harness/sink.ts";
import { readStream } from "../harness/stream-reader.ts";

const STEPS = 6;

let dataDir: string;
let server: ServerProcess;
let sink: Sink;
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>;

const startPostgres = () => startEmbeddedPostgres({ dataDir, isDurable: true, endpoint: "socket", log: () => {} });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "holdfast-restart-"));
  await chmod(dataDir, 0o755);
  postgres = await startPostgres();
  await migrate(postgres.url);
  server = await startApi({ env: { DATABASE_URL: postgres.url } }, "dev");
  sink = await startSink();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await sink?.[Symbol.asyncDispose]();
  await postgres?.close();
  if (postgres?.relocatedTo !== undefined) await rm(postgres.relocatedTo, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
});

/** A run of steps with a follower of its stream, in the middle of its second step. */
async function startSteps() {
  const client = SDK_LINES[0]!.connect(server.url);
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    streamMode: ["custom"],
    config: { configurable: { steps: STEPS, step_ms: 300, sink_url: sink.url } },
  });
  const stream = `${server.url}/threads/${thread_id}/runs/${run.run_id}/stream`;
  const reader = await readStream(stream, { headers: { "last-event-id": "-1" } });
  await sink.waitFor(({ runId, step }) => runId === run.run_id && step === 2);
  return { client, run, stream, reader };
}

async function expectWholeRun({ client, run, stream }: Awaited<ReturnType<typeof startSteps>>): Promise<void> {
  await untilRun(client, run, "success");
  const { values } = await client.threads.getState<{ done: number; messages: unknown[] }>(run.thread_id);
  expect(values.done).toBe(STEPS);
  expect(values.messages).toHaveLength(STEPS);
  const history = await client.threads.getHistory(run.thread_id, { limit: 100 });
  const parents = history.map(({ parent_checkpoint }) => parent_checkpoint?.checkpoint_id);
  expect(new Set(parents).size).toBe(parents.length);
  const ended = sink.effects.filter((effect) => effect.runId === run.run_id && effect.phase === "end");
  const each = Array.from({ length: STEPS }, (_, index) => index + 1);
  expect([...new Set(ended.map(({ step }) => step))]).toEqual(each);
  const reader = await readStream(stream, { headers: { "last-event-id": "-1" } });
  expect(await reader.ended).toBe(true);
  expect(reader.frames.map(({ id }) => Number(id))).toEqual(reader.frames.map((_, index) => index));
}

test("stopped and started: requests get 503 with Retry-After meanwhile, and the run survives", async () => {
  const started = await startSteps();
  await postgres.close();
  try {
    for (const [method, path, body] of [
      ["GET", `/threads/${started.run.thread_id}`, undefined],
      ["POST", "/threads", {}],
      ["POST", `/threads/${started.run.thread_id}/runs`, { assistant_id: "steps", input: {} }],
      ["POST", "/runs/wait", { assistant_id: "steps", input: {} }],
    ] as const) {
      const answer = await send(method, server.url + path, body);
      expect([path, answer.status]).toEqual([path, 503]);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(answer.json.detail).not.toContain(dataDir);
    }
    expect((await send("GET", `${server.url}/ok?check_db=1`)).status).toBeGreaterThanOrEqual(500);
  } finally {
    postgres = await startPostgres();
  }
  await expectWholeRun(started);
  expect(server.child.exitCode).toBeNull();
}, 90_000);

test("killed mid-run: it recovers, and the run survives", async () => {
  const started = await startSteps();
  const [pid] = (await readFile(join(postgres.dataDir, "data", "postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(pid), "SIGKILL");
  await expect
    .poll(() => send("GET", `${server.url}/ok?check_db=1`).then(({ status }) => status), {
      timeout: 10_000,
      interval: 10,
    })
    .not.toBe(200);
  await expectWholeRun(started);
}, 90_000);
