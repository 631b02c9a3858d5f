// Retention from outside: the project file's time to live, that of single threads, stateless runs, and `holdfast prune`.
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { runCli } from "../../src/cli/testing/cli-process.ts";
import { buildConfig } from "../../src/config/config.ts";
import { parseEnv } from "../../src/config/env.ts";
import { readProjectFile } from "../../src/config/project-file.ts";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { send } from "../harness/plain-http.ts";
import { TEST_PROJECT_FILE } from "../harness/test-server.ts";

const RUN = { assistant_id: "agent", input: { messages: [{ role: "user", content: "Hello" }] } };

type CheckpointerTtl = NonNullable<
  NonNullable<Awaited<ReturnType<typeof readProjectFile>>["content"]["checkpointer"]>["ttl"]
>;

async function start(ttl: CheckpointerTtl | undefined, env: Record<string, string> = {}) {
  const database = await openTestDatabase();
  const project = await readProjectFile(TEST_PROJECT_FILE);
  const { agent } = project.graphs;
  const content = { ...project.content, ...(ttl && { checkpointer: { ttl } }) };
  const config = buildConfig(
    parseEnv({ DATABASE_URL: database.url, PORT: "0", LOG_LEVEL: "silent", HOLDFAST_DRAIN_GRACE_MS: "0", ...env }),
    { ...project, graphs: { agent: agent! }, content },
    { cwd: process.cwd(), isDev: true },
  );
  const app = await createApp(config, { api: true, worker: true });
  onTestFinished(async () => {
    await app[Symbol.asyncDispose]();
    await database.close();
  });
  return { url: app.address!, database };
}

async function ttlOf(url: string, threadId: string) {
  return (await send("GET", `${url}/threads/${threadId}?include=ttl`)).json.ttl;
}

async function countOf(database: TestDatabase, sql: string): Promise<number> {
  return (await database.pool.query(`select count(*)::int as count from ${sql}`)).rows[0].count;
}

/** All rows in all tables that belong to a thread or a run. */
async function countRows(database: TestDatabase): Promise<number> {
  let sum = 0;
  for (const table of ["thread", "run", "run_event", "checkpoint", "checkpoint_item", "checkpoint_write"]) {
    sum += await countOf(database, table);
  }
  return sum;
}

test("checkpointer.ttl is honoured: no warning, and every new thread gets it unless it says otherwise", async () => {
  const { url } = await start({ strategy: "keep_latest", default_ttl: 60, sweep_interval_minutes: 10 });
  const plain = (await send("POST", `${url}/threads`, {})).json.thread_id;
  expect(await ttlOf(url, plain)).toMatchObject({ strategy: "keep_latest", ttl: 60 });
  const own = (await send("POST", `${url}/threads`, { ttl: 5 })).json.thread_id;
  expect(await ttlOf(url, own)).toMatchObject({ strategy: "delete", ttl: 5 });
  const byRun = "0198c1f0-5b7e-7c8a-9d53-1f0c3a9e4b21";
  await send("POST", `${url}/threads/${byRun}/runs/wait`, { ...RUN, if_not_exists: "create" });
  expect(await ttlOf(url, byRun)).toMatchObject({ strategy: "keep_latest", ttl: 60 });
  const kept = await send("POST", `${url}/runs`, { ...RUN, on_completion: "keep" });
  expect(await ttlOf(url, kept.json.thread_id)).toMatchObject({ ttl: 60 });
});

test("an expired thread is swept with everything while the server runs; one that is patched lives on", async () => {
  const { url, database } = await start({ default_ttl: 60, sweep_interval_minutes: 0.005 });
  const doomed = (await send("POST", `${url}/threads`, {})).json.thread_id;
  await send("POST", `${url}/threads/${doomed}/runs/wait`, RUN);
  expect(await countRows(database)).toBeGreaterThan(5);
  await send("PATCH", `${url}/threads/${doomed}`, { ttl: 0.001 });
  await expect.poll(() => countRows(database), { timeout: 10_000 }).toBe(0);
  expect((await send("GET", `${url}/threads/${doomed}`)).status).toBe(404);
});

test("checkpointer.ttl with keep_latest takes the history of an expired thread and leaves its newest state", async () => {
  const { url, database } = await start({ strategy: "keep_latest", default_ttl: 60, sweep_interval_minutes: 0.005 });
  const kept = (await send("POST", `${url}/threads`, {})).json.thread_id;
  for (let turn = 0; turn < 3; turn++) await send("POST", `${url}/threads/${kept}/runs/wait`, RUN);
  const before = await send("GET", `${url}/threads/${kept}/state`);
  expect(await countOf(database, "checkpoint")).toBeGreaterThan(5);
  await database.pool.query("update thread set expires_at = now() - interval '1 second' where thread_id = $1", [kept]);
  await expect.poll(() => countOf(database, "checkpoint"), { timeout: 10_000 }).toBe(1);
  const after = await send("GET", `${url}/threads/${kept}/state`);
  expect(after.json).toEqual({ ...before.json, parent_checkpoint: null });
  expect((await send("GET", `${url}/threads/${kept}/history`)).json).toHaveLength(1);
  const next = await send("POST", `${url}/threads/${kept}/runs/wait`, RUN);
  expect(next.json.messages.length).toBeGreaterThan(before.json.values.messages.length);
});

test("without a time to live threads stay", async () => {
  const { url } = await start(undefined);
  const { json } = await send("POST", `${url}/threads`, {});
  expect(await ttlOf(url, json.thread_id)).toBeNull();
});

test("holdfast prune removes what has aged out and says what it freed", { timeout: 120_000 }, async () => {
  const { url, database } = await start(undefined);
  const ended = await send("POST", `${url}/runs/wait`, RUN);
  expect(ended.status).toBe(200);
  const old = (await send("POST", `${url}/threads`, {})).json.thread_id;
  for (let turn = 0; turn < 3; turn++) await send("POST", `${url}/threads/${old}/runs/wait`, RUN);
  const fresh = (await send("POST", `${url}/threads`, {})).json.thread_id;
  await database.pool.query("update thread set ended_at = now() - interval '2 minutes' where is_temporary");
  await database.pool.query("update thread set updated_at = now() - interval '40 days' where thread_id = $1", [old]);
  const prune = (...args: string[]) => runCli(["prune", ...args], { env: { DATABASE_URL: database.url } });

  const first = JSON.parse((await prune("--json")).output);
  expect(first).toMatchObject({ ended_threads: 1, idle_threads: 0, freed_rows: { thread: 1, run: 1 } });
  expect(first.freed_bytes).toBeGreaterThan(500);
  const before = await countOf(database, "checkpoint");
  const latest = await prune("--older-than", "30d", "--strategy", "keep_latest");
  expect(latest.output).toMatch(/Went through 1 threads that had not changed for long/);
  expect(latest.output).toMatch(new RegExp(`^checkpoint +${before - 1}$`, "m"));
  const state = await send("GET", `${url}/threads/${old}/state`);
  expect(state.json.values.messages.length).toBeGreaterThan(5);

  const gone = JSON.parse((await prune("--older-than", "30d", "--json")).output);
  expect(gone).toMatchObject({ idle_threads: 1, freed_rows: { thread: 1, run: 3 } });
  expect((await send("GET", `${url}/threads/${fresh}`)).status).toBe(200);
  expect(await countRows(database)).toBe(1);
  expect((await prune()).output).toContain("Nothing had aged out.");
});

test.each(["30", "d", "1.5d", "-3d", "0d", "3y"])(
  "holdfast prune --older-than %s is refused with what is allowed",
  async (age) => {
    const { code, output } = await runCli(["prune", `--older-than=${age}`]);
    expect(code).toBe(1);
    expect(output).toContain("a whole number and a unit: m, h, d or w");
  },
);
