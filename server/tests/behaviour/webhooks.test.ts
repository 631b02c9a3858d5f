// Webhooks of a whole server: what runs of every end send, and which addresses are refused.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startReceiver, type WebhookReceiver } from "../../src/webhooks/webhook-receiver.fixture.ts";
import { human } from "../compat/conversation.ts";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";

const WAIT = { timeout: 15_000, interval: 20 };

let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver[Symbol.asyncDispose]());
beforeEach(() => {
  receiver.notices.length = 0;
});

describe("at home", () => {
  const server = useServer({
    graphs: ["agent", "failing", "stubborn", "steps"],
    content: { webhooks: { headers: { "x-team": "ours" } } },
  });
  const post = (path: string, body: object) => send("POST", server.url + path, body);
  const noticeOf = async (runId: string) => {
    const find = () => receiver.notices.find(({ body }) => body.run_id === runId);
    await expect.poll(find, WAIT).toBeDefined();
    return find()!;
  };

  test("a run on a thread sends itself with the values of its own end", async () => {
    const thread = (await post("/threads", {})).json.thread_id;
    const run = { assistant_id: "agent", webhook: `${receiver.url}/done`, metadata: { order: 7 } };
    const first = (await post(`/threads/${thread}/runs`, { ...run, input: human("first") })).json;
    const second = (await post(`/threads/${thread}/runs`, { ...run, input: human("second") })).json;
    const { body, headers, path } = await noticeOf(first.run_id);
    expect(path).toBe("/done");
    expect(headers).toMatchObject({ "content-type": "application/json", "x-team": "ours" });
    expect(body).toMatchObject({
      run_id: first.run_id,
      thread_id: thread,
      assistant_id: first.assistant_id,
      status: "success",
      metadata: { order: 7 },
      error: null,
      kwargs: { webhook: `${receiver.url}/done` },
      multitask_strategy: "enqueue",
    });
    expect(Date.parse(body.run_started_at)).toBeLessThanOrEqual(Date.parse(body.run_ended_at));
    expect(Date.parse(body.run_ended_at)).toBeLessThanOrEqual(Date.parse(body.webhook_sent_at) + 1_000);
    const contents = (values: { messages: { content: string }[] }) => values.messages.map(({ content }) => content);
    // The thread may have gone on by then: the values are still those of this run's end.
    expect(contents(body.values)).toContain("first");
    expect(contents(body.values)).not.toContain("second");
    expect(contents((await noticeOf(second.run_id)).body.values)).toEqual(expect.arrayContaining(["first", "second"]));
  });

  test("a stateless run has no values to send; a failed one has its error", async () => {
    const webhook = `${receiver.url}/x`;
    const done = await post("/runs/wait", { assistant_id: "agent", input: human("hi"), webhook });
    const runId = done.headers.get("content-location")!.split("/").at(-1)!;
    expect((await noticeOf(runId)).body).not.toHaveProperty("values");
    const failed = (await post("/runs", { assistant_id: "failing", input: {}, webhook })).json;
    expect((await noticeOf(failed.run_id)).body).toMatchObject({
      status: "error",
      error: { error: expect.any(String), message: expect.any(String) },
    });
  });

  test("a pending run that is cancelled sends its end too", async () => {
    const thread = (await post("/threads", {})).json.thread_id;
    const body = { assistant_id: "agent", input: human("x"), webhook: receiver.url, after_seconds: 600 };
    const run = (await post(`/threads/${thread}/runs`, body)).json;
    await post(`/threads/${thread}/runs/${run.run_id}/cancel`, {});
    expect((await noticeOf(run.run_id)).body).toMatchObject({
      status: "interrupted",
      run_started_at: null,
      error: null,
    });
  });

  test("a path of this server is refused", async () => {
    const answer = await post("/runs", { assistant_id: "agent", input: {}, webhook: "/threads" });
    expect([answer.status, answer.json.detail]).toEqual([422, expect.stringContaining("disable_loopback")]);
  });
});

describe("elsewhere", () => {
  const server = useServer({
    graphs: ["agent"],
    content: { webhooks: { url: { disable_loopback: true, require_https: true, max_url_length: 100 } } },
  });

  test.each([
    "http://127.0.0.1:9/",
    "https://127.0.0.1:9/",
    "https://localhost/",
    "https://169.254.169.254/latest",
    "http://example.test/",
    `https://example.test/${"x".repeat(100)}`,
  ])("%s is refused with 422 and no run is made", async (webhook) => {
    for (const path of ["/runs", "/runs/wait", "/runs/stream"]) {
      const answer = await send("POST", server.url + path, { assistant_id: "agent", input: human("x"), webhook });
      expect([answer.status, answer.json.detail]).toEqual([422, expect.stringMatching(/^webhook: /)]);
    }
    expect((await server.database.pool.query("select count(*)::int as count from run")).rows[0].count).toBe(0);
  });
});

describe("with paths allowed", () => {
  const server = useServer({ graphs: ["agent"], content: { webhooks: { url: { disable_loopback: false } } } });

  test("a path is called on this server itself, as anybody", async () => {
    await send("POST", `${server.url}/runs/wait`, {
      assistant_id: "agent",
      input: human("x"),
      webhook: "/assistants/count",
    });
    const read = async () => (await server.database.pool.query("select status from webhook_delivery")).rows;
    await expect.poll(read, WAIT).toEqual([{ status: "delivered" }]);
  });
});
