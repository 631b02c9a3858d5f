// A run that costs every worker its life is given up with the last words of the last one, and can be run again from the terminal.
import { expect, onTestFinished, test } from "vitest";
import { runCli } from "../../src/cli/testing/cli-process.ts";
import { claimUnlimitedRuns } from "../../src/postgres/claim.ts";
import { openTestDatabase } from "../../src/postgres/testing/test-database.ts";
import { send } from "../harness/plain-http.ts";
import { startTestServer } from "../harness/test-server.ts";

const RUN = { assistant_id: "agent", input: { messages: [{ role: "user", content: "Hello" }] } };

test("given up, explained, retried, done", { timeout: 90_000 }, async () => {
  const database = await openTestDatabase();
  onTestFinished(() => database.close());
  const holdfast = (...args: string[]) => runCli(args, { env: { DATABASE_URL: database.url } });
  const api = await startTestServer({ graphs: ["agent"], database, roles: { api: true, worker: false } });
  onTestFinished(() => api[Symbol.asyncDispose]());
  const thread = (await send("POST", `${api.url}/threads`, {})).json.thread_id;
  const { run_id: runId } = (await send("POST", `${api.url}/threads/${thread}/runs`, RUN)).json;

  // A worker that takes the run and is never heard of again.
  const dead = { workerId: "dead-worker", countMax: 1, leaseDurationMs: 1 };
  expect((await claimUnlimitedRuns(database.pool, dead, "priority")).claimed).toHaveLength(1);
  const env = { HOLDFAST_ATTEMPT_MAX: "1" };
  const worker = await startTestServer({ graphs: ["agent"], database, roles: { api: false, worker: true }, env });
  onTestFinished(() => worker[Symbol.asyncDispose]());

  const path = `${api.url}/threads/${thread}/runs/${runId}`;
  const status = async () => (await send("GET", path)).json.status;
  await expect.poll(status, { timeout: 10_000 }).toBe("error");
  const joined = await send("GET", `${path}/join`);
  expect(joined.json.__error__.error).toBe("AttemptsExhaustedError");
  expect(joined.json.__error__.message).toContain("Worker dead-worker lost attempt 1");
  expect((await send("GET", `${api.url}/threads/${thread}`)).json.status).toBe("error");
  const listed = await holdfast("runs", "list", "--status", "error");
  expect(listed.output).toMatch(new RegExp(`${runId}.*error \\(given up\\)`));

  expect((await holdfast("runs", "retry", runId)).output).toContain("is back in the queue");
  await expect.poll(status, { timeout: 10_000 }).toBe("success");
  const { json } = await send("GET", `${api.url}/threads/${thread}`);
  expect(json).toMatchObject({ status: "idle", values: { messages: [{ content: "Hello" }, {}] } });
  expect((await holdfast("runs", "retry", runId)).code).toBe(1);
});
