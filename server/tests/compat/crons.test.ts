// Crons through the official clients, and their ticks as runs.
import { expect, test } from "vitest";
import { send, UNKNOWN_ID } from "../harness/plain-http.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const WAIT = { timeout: 15_000, interval: 50 };

const server = useServer({ graphs: ["agent"] });
const cronTest = sdkTests(server, "crons:");

/** The SDK's type of what `create` answers is that of a run. */
const idOf = (created: unknown): string => (created as { cron_id: string }).cron_id;

/** Makes the cron's next tick due now. */
async function makeDue(cronId: string): Promise<void> {
  await server.database.pool.query("update cron set next_run_date = now() where cron_id = $1", [cronId]);
}

cronTest("a tick starts a run on the thread, as asked", async ({ client }) => {
  const thread = await client.threads.create();
  const cronId = idOf(
    await client.crons.createForThread(thread.thread_id, "agent", {
      schedule: "0 0 1 1 *",
      input: human("tick"),
      metadata: { kind: "greeting" },
    }),
  );
  expect(await client.runs.list(thread.thread_id)).toEqual([]);
  await makeDue(cronId);
  const read = async () => (await client.runs.list(thread.thread_id)).map(({ status, metadata }) => [status, metadata]);
  await expect.poll(read, WAIT).toEqual([["success", expect.objectContaining({ kind: "greeting", cron_id: cronId })]]);
  const { values } = await client.threads.getState<{ messages: { content: string }[] }>(thread.thread_id);
  expect(values.messages[0]!.content).toBe("tick");
  await client.crons.delete(cronId);
});

cronTest("a stateless tick gets a thread of its own, kept where asked", async ({ client }) => {
  const cronId = idOf(
    await client.crons.create("agent", { schedule: "0 0 1 1 *", input: human("tick"), onRunCompleted: "keep" }),
  );
  await makeDue(cronId);
  const find = () => client.threads.search({ metadata: { cron_id: cronId } });
  await expect.poll(async () => (await find()).map(({ status }) => status), WAIT).toEqual(["idle"]);
  await client.crons.delete(cronId);
  expect(await find()).toHaveLength(1);
});

cronTest(
  "crons are found by assistant, thread, state and metadata, in any order and by page",
  async ({ client, version }) => {
    const thread = await client.threads.create();
    const metadata = { test: `search-${version}` };
    const ids: string[] = [];
    for (const hour of [3, 1, 2]) {
      ids.push(
        idOf(await client.crons.createForThread(thread.thread_id, "agent", { schedule: `0 ${hour} 1 1 *`, metadata })),
      );
    }
    await client.crons.create("agent", { schedule: "0 0 1 1 *", metadata });
    const search = async (query: Parameters<typeof client.crons.search>[0]) =>
      (await client.crons.search(query)).map(({ cron_id }) => ids.indexOf(cron_id));
    const threadId = thread.thread_id;
    expect(await search({ threadId })).toEqual([2, 1, 0]);
    expect(await search({ threadId, sortBy: "next_run_date", sortOrder: "asc" })).toEqual([1, 2, 0]);
    expect(await search({ threadId, limit: 1, offset: 1 })).toEqual([1]);
    const { json } = await send("POST", `${server.url}/runs/crons/search`, { metadata, assistant_id: "agent" });
    expect(json).toHaveLength(4);
    expect((await send("POST", `${server.url}/runs/crons/count`, { metadata })).json).toBe(4);
    expect((await send("POST", `${server.url}/runs/crons/search`, { metadata, enabled: false })).json).toEqual([]);
    await client.threads.delete(threadId);
    expect((await send("POST", `${server.url}/runs/crons/count`, { metadata })).json).toBe(1);
  },
);

cronTest(
  "a cron is changed, switched off and counted",
  async ({ client }) => {
    const cronId = idOf(await client.crons.create("agent", { schedule: "0 0 1 1 *", metadata: { test: "update" } }));
    const changed = await client.crons.update(cronId, {
      schedule: "0 9 * * *",
      timezone: "Asia/Tokyo",
      enabled: false,
      endTime: "2099-01-01T00:00:00Z",
    });
    expect(changed).toMatchObject({
      schedule: "0 9 * * *",
      timezone: "Asia/Tokyo",
      enabled: false,
      end_time: "2099-01-01T00:00:00.000Z",
      next_run_date: expect.stringMatching(/T00:00:00.000Z$/),
    });
    expect(await client.crons.count({ metadata: { test: "update" } })).toBe(1);
    await makeDue(cronId);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const { json: threads } = await send("POST", `${server.url}/threads/search`, { metadata: { cron_id: cronId } });
    expect(threads).toEqual([]);
    await client.crons.delete(cronId);
    await expect(client.crons.delete(cronId)).rejects.toThrow("HTTP 404");
  },
  { versions: ["1.15.0"] },
);

cronTest("what cannot be is refused", async ({ client }) => {
  await expect(client.crons.create("agent", { schedule: "every day" })).rejects.toThrow("HTTP 422");
  await expect(client.crons.create("nobody", { schedule: "* * * * *" })).rejects.toThrow("HTTP 404");
  await expect(client.crons.createForThread(UNKNOWN_ID, "agent", { schedule: "* * * * *" })).rejects.toThrow(
    "HTTP 404",
  );
});

test("a repeated create with the same key makes one cron", async () => {
  const body = { assistant_id: "agent", schedule: "0 0 1 1 *", metadata: { test: "idempotent" } };
  const create = () => send("POST", `${server.url}/runs/crons`, body, { "idempotency-key": "cron-1" });
  const [first, second] = [await create(), await create()];
  expect(second.json).toEqual(first.json);
  expect((await send("POST", `${server.url}/runs/crons/count`, { metadata: { test: "idempotent" } })).json).toBe(1);
});

test("/info says that there are crons", async () => {
  expect((await send("GET", `${server.url}/info`)).json.flags.crons).toBe(true);
});
