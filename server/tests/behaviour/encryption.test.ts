// Conversations encrypted at rest: nothing of what was said can be read in any table, and keys can be changed under it.
import { randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Client as Database } from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runCli } from "../../src/cli/testing/cli-process.ts";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { SDK_LINES, type SdkClient } from "../harness/sdk-lines.ts";
import { startSink } from "../harness/sink.ts";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

const newKey = (keyId: string) => `${keyId}:${randomBytes(32).toString("base64")}`;

/** Said by a user, asked by an interrupt, written into an error, kept by a custom event: all of it must stay unreadable. */
const SECRET = "xylophone-7431";
const QUESTION = "name?";
const REASON = "card refused";

/** With an idempotency key. */
async function post(url: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json", "idempotency-key": randomUUID() };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  expect(response.status, await response.text()).toBe(200);
}

const connect = ({ url }: { url: string }) => SDK_LINES[0]!.connect(url);

/** A receiver that refuses, so that the notice stays in the outbox. */
async function startRefusingReceiver() {
  const server = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Every kind of content there is; returns where it can be found again. */
async function converse({ url }: TestServer, webhook: string) {
  const client = connect({ url });
  const talk = await client.threads.create();
  for (const content of [`look up ${SECRET}`, `again ${SECRET} ${"long ".repeat(400)}`]) {
    await client.runs.wait(talk.thread_id, "agent", {
      input: { messages: [{ role: "user", content }], notes: { secret: SECRET } },
      context: { secret: SECRET },
      webhook,
    });
  }
  const asked = await client.threads.create();
  await client.runs.wait(asked.thread_id, "ask", { input: { answers: [SECRET] } });
  const failed = await client.threads.create();
  await client.runs.wait(failed.thread_id, "failing", { input: { count: 1 }, raiseError: false });
  await client.crons.create("ask", { schedule: "0 0 1 1 *", input: { answers: [SECRET] } });
  await client.threads.updateState(talk.thread_id, {
    values: { messages: [{ role: "user", content: `corrected ${SECRET}` }] },
  });
  // The first answer is kept for the key.
  await post(`${url}/threads/${talk.thread_id}/runs`, {
    assistant_id: "agent",
    input: { messages: [{ role: "user", content: `once ${SECRET}` }] },
  });
  await client.runs.join(talk.thread_id, (await client.runs.list(talk.thread_id))[0]!.run_id);
  const paid = await client.threads.create();
  await client.runs.wait(paid.thread_id, "effect_once", {
    input: { order: SECRET },
    config: { configurable: { sink_url: webhook } },
  });
  const tape = await client.threads.create();
  await post(`${url}/threads/${tape.thread_id}/commands`, {
    id: 1,
    method: "run.start",
    params: { assistant_id: "agent", input: { messages: [{ role: "user", content: `by protocol ${SECRET}` }] } },
  });
  await client.runs.join(tape.thread_id, (await client.runs.list(tape.thread_id))[0]!.run_id);
  return { talk: talk.thread_id, asked: asked.thread_id, failed: failed.thread_id };
}

/** All rows of all tables as text, by table. */
async function dump(database: TestDatabase): Promise<Map<string, string>> {
  const client = new Database({ connectionString: database.url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select relname as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition",
    );
    const dumped = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from "${name}" t`);
      dumped.set(name, rows.map(({ row }) => row).join("\n"));
    }
    return dumped;
  } finally {
    await client.end();
  }
}

const tablesWith = (dumped: Map<string, string>, text: string) =>
  [...dumped]
    .filter(([, rows]) => rows.includes(text))
    .map(([name]) => name)
    .sort();

/** Digests of tool calls cannot be turned into anything else; they are all that is left of a key. */
async function expectOnlyDigests(database: TestDatabase, prefix: string): Promise<void> {
  expect(tablesWith(await dump(database), prefix)).toEqual(["tool_effect"]);
  const { rows } = await database.pool.query("select args, result from tool_effect");
  expect(rows).toEqual([{ args: expect.stringMatching(/^hf1:first:/), result: expect.not.stringContaining(prefix) }]);
}

async function expectWhole(client: SdkClient, threads: Awaited<ReturnType<typeof converse>>) {
  const state = await client.threads.getState<{ messages: { content: string }[]; notes: object }>(threads.talk);
  expect(JSON.stringify(state.values.messages)).toContain(`found ${SECRET}`);
  expect(state.values.notes).toEqual({ secret: SECRET });
  const thread = await client.threads.get(threads.talk);
  expect(JSON.stringify(thread.values)).toContain(SECRET);
  const [run] = await client.runs.list(threads.talk);
  expect(JSON.stringify((run as unknown as { kwargs: object }).kwargs)).toContain(SECRET);
  const events: unknown[] = [];
  const stream = client.runs.joinStream(threads.talk, run!.run_id, { lastEventId: "-1" });
  for await (const event of stream) events.push(event);
  expect(JSON.stringify(events)).toContain(SECRET);
  expect(JSON.stringify((await client.threads.get(threads.asked)).interrupts)).toContain(QUESTION);
  const history = await client.threads.getHistory(threads.failed);
  expect(JSON.stringify(history)).toContain(REASON);
  const crons = await client.crons.search();
  expect(JSON.stringify(crons)).toContain(SECRET);
}

const GRAPHS = ["agent", "ask", "failing", "effect_once"];

async function start(database: TestDatabase, keys: string): Promise<TestServer> {
  return startTestServer({ graphs: GRAPHS, database, env: { HOLDFAST_ENCRYPTION_KEYS: keys } });
}

/** A run that was never started, a cron, and an ended run whose notice was refused. */
async function leaveWork(database: TestDatabase, key: string) {
  await using server = await start(database, key);
  const client = connect(server);
  const noticed = await client.threads.create();
  await client.runs.wait(noticed.thread_id, "ask", { input: { answers: [] }, webhook: (await receiver).url });
  const [ended] = await client.runs.list(noticed.thread_id);
  const cron = await client.crons.create("ask", { schedule: "0 0 1 1 *", input: { answers: [] } });
  const { thread_id: threadId } = await client.threads.create();
  const run = await client.runs.create(threadId, "ask", { input: { answers: [] }, afterSeconds: 3600 });
  const sql = new Database({ connectionString: database.url });
  await sql.connect();
  await sql.query("update run set available_at = now() where run_id = $1", [run.run_id]);
  await sql.query("update webhook_delivery set available_at = now() + interval '1 hour', attempt = 0");
  await sql.end();
  return {
    threadId,
    runId: run.run_id,
    cronId: (cron as unknown as { cron_id: string }).cron_id,
    noticedThreadId: noticed.thread_id,
    noticedRunId: ended!.run_id,
  };
}

const receiver = startRefusingReceiver();
afterAll(async () => (await receiver).close());

test("without a key the planted words are in every table that holds contents, until rekey is run with one", async () => {
  const database = await openTestDatabase();
  try {
    await using server = await start(database, "");
    await converse(server, (await receiver).url);
    const dumped = await dump(database);
    expect(tablesWith(dumped, SECRET)).toEqual([
      "checkpoint",
      "checkpoint_item",
      "checkpoint_write",
      "cron",
      "idempotency_key",
      "run",
      "run_event",
      "thread",
      "thread_tag",
      "tool_effect",
      "webhook_delivery",
    ]);
    expect(tablesWith(dumped, QUESTION)).toEqual(["checkpoint_write", "run_event", "thread"]);
    expect(tablesWith(dumped, REASON)).toEqual(["checkpoint_write", "run", "run_event", "thread"]);
    const env = { DATABASE_URL: database.url, HOLDFAST_ENCRYPTION_KEYS: newKey("late") };
    expect((await runCli(["rekey"], { env })).code).toBe(0);
    const sealed = await dump(database);
    for (const word of [SECRET, QUESTION, REASON]) expect(tablesWith(sealed, word)).toEqual([]);
  } finally {
    await database.close();
  }
});

describe("with a key", () => {
  const [first, second] = [newKey("first"), newKey("second")];
  let database: TestDatabase;
  let threads: Awaited<ReturnType<typeof converse>>;
  beforeAll(async () => {
    database = await openTestDatabase();
    await using server = await start(database, first);
    threads = await converse(server, (await receiver).url);
    await expectWhole(connect(server), threads);
  });
  afterAll(() => database.close());

  test("none of them is in any table, and clients see everything", async () => {
    const dumped = await dump(database);
    for (const word of [SECRET, QUESTION, REASON]) expect(tablesWith(dumped, word)).toEqual([]);
    expect(tablesWith(dumped, "hf1:first:")).toEqual([
      "checkpoint",
      "checkpoint_item",
      "checkpoint_write",
      "cron",
      "idempotency_key",
      "run",
      "run_event",
      "thread",
      "tool_effect",
      "webhook_delivery",
    ]);
  });

  test("a thread goes on, is copied, resumed and searched by metadata; a search by values is refused", async () => {
    await using server = await start(database, first);
    const client = connect(server);
    const copy = await client.threads.copy(threads.asked);
    const { thread_id } = copy as unknown as { thread_id: string };
    const values = await client.runs.wait(thread_id, "ask", { command: { resume: "Ada" } });
    expect((values as { answers: string[] }).answers).toContain('asked: "Ada"');
    await client.runs.wait(threads.talk, "agent", {
      input: { messages: [{ role: "user", content: `and ${SECRET}?` }] },
    });
    const found = await client.threads.search({ metadata: { graph_id: "agent" } });
    expect(found.map((thread) => thread.thread_id)).toContain(threads.talk);
    await expect(client.threads.search({ values: { notes: {} } })).rejects.toThrow("cannot be searched by values");
  });

  test("a process without the key says which one is missing, and changes nothing", async () => {
    await using server = await start(database, second);
    const client = connect(server);
    await expect(client.threads.getState(threads.talk)).rejects.toThrow('encrypted with the key \\"first\\"');
    await expect(client.threads.get(threads.talk)).rejects.toThrow("HTTP 409");
  });

  test("what waits under a missing key ends or waits with that reason, and holds up nothing else", async () => {
    const other = await openTestDatabase();
    await using sink = await startSink();
    const sql = new Database({ connectionString: other.url });
    await sql.connect();
    try {
      const ids = await leaveWork(other, first);
      await using server = await start(other, second);
      const client = connect(server);
      const cron = await client.crons.create("ask", { schedule: "* * * * *", input: { answers: ["x"] } });
      await sql.query("update cron set next_run_date = now() - interval '1 second'");
      await sql.query("update webhook_delivery set available_at = now()");
      const { thread_id } = await client.threads.create();
      await client.runs.wait(thread_id, "ask", { input: { answers: [] }, webhook: sink.url });
      await sink.waitFor((notice) => (notice as unknown as { run_id?: string }).run_id !== undefined);
      await vi.waitFor(async () => {
        const { rows: runs } = await sql.query("select status, error from run where run_id = $1", [ids.runId]);
        const error = { error: "SealedContentError", sealed: expect.any(String) };
        expect(runs[0]).toEqual({ status: "error", error });
        const { rows: crons } = await sql.query(
          "select count(*)::int as n from run where metadata ->> 'cron_id' = $1",
          [cron.cron_id],
        );
        expect(crons[0].n).toBe(1);
        const { rows: late } = await sql.query(
          "select last_error, attempt, status, available_at > now() as is_later from webhook_delivery where run_id = $1",
          [ids.noticedRunId],
        );
        expect(late[0]).toEqual({
          last_error: expect.stringContaining('the key "first"'),
          attempt: 0,
          status: "pending",
          is_later: true,
        });
        const { rows: waiting } = await sql.query(
          "select next_run_date > now() as is_later from cron where cron_id = $1",
          [ids.cronId],
        );
        expect(waiting[0]).toEqual({ is_later: true });
      }, 20_000);
      await expect(client.runs.get(ids.threadId, ids.runId)).rejects.toThrow("HTTP 409");
      // What cannot be told is refused with the reason, not left open.
      await expect(
        (async () => {
          for await (const _ of client.runs.joinStream(ids.noticedThreadId, ids.noticedRunId));
        })(),
      ).rejects.toThrow("HTTP 409");
    } finally {
      await sql.end();
      await other.close();
    }
  });

  test("holdfast rekey takes everything to a new key beside a running server, after which the old one can go", async () => {
    const env = { DATABASE_URL: database.url, HOLDFAST_ENCRYPTION_KEYS: `${second},${first}` };
    await using running = await start(database, first);
    expect((await connect(running).threads.get(threads.talk)).thread_id).toBe(threads.talk);
    const rekeyed = await runCli(["rekey"], { env });
    expect(rekeyed.output).toMatch(/checkpoint_item\.body +[1-9]\d* +[1-9]/);
    expect(rekeyed.code).toBe(0);
    await expectOnlyDigests(database, "hf1:first:");
    const again = await runCli(["rekey"], { env });
    expect(again.output).not.toMatch(/\d+ +[1-9]\d*$/m);
    await using server = await start(database, second);
    await expectWhole(connect(server), threads);
  });

  test("with --decrypt everything is readable again without a key", async () => {
    const env = { DATABASE_URL: database.url, HOLDFAST_ENCRYPTION_KEYS: second };
    expect((await runCli(["rekey", "--decrypt"], { env })).code).toBe(0);
    await expectOnlyDigests(database, "hf1:");
    await using server = await start(database, "");
    await expectWhole(connect(server), threads);
  });
});

test.each([
  ["no colon", "abc"],
  ["a short key", "k1:c2hvcnQ="],
  ["a name with a space", `my key:${randomBytes(32).toString("base64")}`],
  ["the same name twice", `${newKey("k")},${newKey("k")}`],
])("%s stops the start and names the variable, never the key", async (_, keys) => {
  const { code, output } = await runCli(["migrate"], {
    env: { DATABASE_URL: "postgres://127.0.0.1:1/none", HOLDFAST_ENCRYPTION_KEYS: keys },
  });
  expect(code).not.toBe(0);
  expect(output).toContain("HOLDFAST_ENCRYPTION_KEYS");
  expect(output).toContain("32 bytes in base64");
  expect(output).not.toContain(keys.split(":")[1] ?? keys);
});

test("rekey without keys says what to set", async () => {
  const database = await openTestDatabase();
  try {
    const { code, output } = await runCli(["rekey"], { env: { DATABASE_URL: database.url } });
    expect(code).not.toBe(0);
    expect(output).toContain("HOLDFAST_ENCRYPTION_KEYS is not set");
  } finally {
    await database.close();
  }
});
