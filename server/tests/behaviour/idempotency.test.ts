// A create that is sent again with its Idempotency-Key creates nothing again and gets its first answer, whatever broke in between.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Answer, parseFrames, send } from "../harness/plain-http.ts";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

const RUN = { assistant_id: "agent", input: { messages: [{ role: "user", content: "Hello" }] } };

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ graphs: ["agent", "steps"] });
});
afterAll(() => server[Symbol.asyncDispose]());

function post(path: string, body: unknown, key: string, url = server.url): Promise<Answer> {
  return send("POST", `${url}${path}`, body, { "idempotency-key": key });
}

async function countRows(table: "run" | "thread" | "assistant"): Promise<number> {
  const { rows } = await server.database.pool.query(`select count(*)::int as count from ${table}`);
  return rows[0].count;
}

async function newThread(): Promise<string> {
  return (await send("POST", `${server.url}/threads`, {})).json.thread_id;
}

/** How often a request was told to wait for the first one with its key. */
let inFlightCount = 0;

/** Sends until the key is answered; 409 means that the first request is still being carried out. */
async function postUntilAnswered(path: string, body: unknown, key: string): Promise<Answer> {
  for (;;) {
    const answer = await post(path, body, key);
    if (answer.headers.get("x-error-code") !== "idempotency_key_in_flight") return answer;
    inFlightCount++;
    expect(answer.status).toBe(409);
    expect(answer.headers.get("retry-after")).toBe("1");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

describe("the same request again", () => {
  test.each([
    ["a thread", async (): Promise<string> => "/threads", { metadata: { a: 1 } }, "thread"],
    ["a copied thread", async (): Promise<string> => `/threads/${await newThread()}/copy`, undefined, "thread"],
    ["a run on a thread", async (): Promise<string> => `/threads/${await newThread()}/runs`, RUN, "run"],
    ["a stateless run", async (): Promise<string> => "/runs", RUN, "run"],
    ["a batch", async (): Promise<string> => "/runs/batch", [RUN, RUN, RUN], "run"],
    ["an assistant", async (): Promise<string> => "/assistants", { graph_id: "agent", name: "Twin" }, "assistant"],
  ] as const)("creates %s once and answers with the same bytes", async (what, pathOf, body, table) => {
    const path = await pathOf();
    const key = `again-${what}`;
    const before = await countRows(table);
    const first = await post(path, body, key);
    const second = await post(path, body, key);
    expect(first.status).toBe(200);
    expect(second.status).toBe(200);
    expect(second.text).toBe(first.text);
    expect(second.headers.get("content-location")).toBe(first.headers.get("content-location"));
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(await countRows(table)).toBe(before + (what === "a batch" ? 3 : 1));
  });

  test.each([
    ["a thread's", async (): Promise<string> => `/threads/${await newThread()}/runs/stream`],
    ["a stateless run's", async (): Promise<string> => "/runs/stream"],
  ])("re-attaches to %s stream from its start", async (what, pathOf) => {
    const path = await pathOf();
    const before = await countRows("run");
    const first = await post(path, RUN, `stream-${what}`);
    const second = await post(path, RUN, `stream-${what}`);
    expect(parseFrames(first.text).length).toBeGreaterThan(1);
    expect(parseFrames(second.text)).toEqual(parseFrames(first.text));
    expect(second.headers.get("content-location")).toBe(first.headers.get("content-location"));
    expect(await countRows("run")).toBe(before + 1);
  });

  test.each([
    ["a thread's", async (): Promise<string> => `/threads/${await newThread()}/runs/wait`],
    ["a stateless run's", async (): Promise<string> => "/runs/wait"],
  ])("waits for %s result", async (what, pathOf) => {
    const path = await pathOf();
    const before = await countRows("run");
    const first = await post(path, RUN, `wait-${what}`);
    const second = await post(path, RUN, `wait-${what}`);
    expect(first.json).toMatchObject({ messages: [{ content: "Hello" }, {}] });
    expect(second.json).toEqual(first.json);
    expect(await countRows("run")).toBe(before + 1);
  });

  test("is the same request when its JSON is written differently", async () => {
    const first = await post("/threads", '{"metadata":{"a":1,"b":2}}', "written");
    const second = await post("/threads", '{ "metadata": { "b": 2, "a": 1 } }', "written");
    expect(second.text).toBe(first.text);
  });

  test("gets its answer from another server after a restart", async () => {
    const first = await post("/runs/wait", RUN, "restart");
    await using other = await startTestServer({ graphs: ["agent"], database: server.database });
    const second = await post("/runs/wait", RUN, "restart", other.url);
    expect(second.json).toEqual(first.json);
    expect(second.headers.get("content-location")).toBe(first.headers.get("content-location"));
  });
});

describe("a key", () => {
  test("refuses another body, path or method", async () => {
    const threadId = await newThread();
    await post(`/threads/${threadId}/runs`, RUN, "other");
    for (const [path, body] of [
      [`/threads/${threadId}/runs`, { ...RUN, metadata: { a: 1 } }],
      [`/threads/${threadId}/runs/wait`, RUN],
      ["/runs", RUN],
    ] as const) {
      const answer = await post(path, body, "other");
      expect(answer.status).toBe(422);
      expect(answer.headers.get("x-error-code")).toBe("idempotency_key_reused");
    }
  });

  test("is free again after its time", async () => {
    await using hasty = await startTestServer({
      graphs: ["agent"],
      env: { HOLDFAST_IDEMPOTENCY_RETENTION_MS: "1000" },
    });
    const first = await post("/threads", {}, "aged", hasty.url);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const second = await post("/threads", { metadata: { a: 1 } }, "aged", hasty.url);
    expect(second.status).toBe(200);
    expect(second.json.thread_id).not.toBe(first.json.thread_id);
  });

  test.each([
    ["of 256 characters", "k".repeat(256)],
    ["that is empty", ""],
  ])("%s is refused with what is allowed", async (_, key) => {
    const answer = await post("/threads", {}, key);
    expect(answer.status).toBe(422);
    expect(answer.json.detail).toMatch(/Idempotency-Key: must have 1 to 255 characters/);
  });

  test("of 255 characters is accepted", async () => {
    expect((await post("/threads", {}, "k".repeat(255))).status).toBe(200);
  });

  test("is not kept as text", async () => {
    await post("/threads", {}, "a-secret-key");
    const { rows } = await server.database.pool.query("select k::text as text from idempotency_key k");
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ text }) => text.includes("a-secret-key"))).toEqual([]);
  });

  test("does not stay with a refused request", async () => {
    const refused = await post("/runs", { assistant_id: "nobody" }, "corrected");
    expect(refused.status).toBe(404);
    const corrected = await post("/runs", RUN, "corrected");
    expect(corrected.status).toBe(200);
  });
});

/** With HOLDFAST_TEST_FULL=1 at the scale of the reliability catalogue, 100 x 100; else small enough for a busy machine. */
const [KEYS, REQUESTS_PER_KEY, LANES] = process.env.HOLDFAST_TEST_FULL === "1" ? [100, 100, 300] : [30, 30, 60];

test(`${KEYS} keys, ${REQUESTS_PER_KEY} requests each, ${LANES} at a time: one run a key`, {
  timeout: 180_000,
}, async () => {
  const before = await countRows("run");
  const keys = Array.from({ length: KEYS }, (_, index) => `storm-${index}`);
  const waiting = keys.flatMap((key) => Array.from({ length: REQUESTS_PER_KEY }, () => key));
  const idsByKey = new Map(keys.map((key) => [key, new Set<string>()]));
  const lane = async () => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const answer = await postUntilAnswered("/runs", RUN, key);
      expect(answer.status).toBe(200);
      idsByKey.get(key)!.add(answer.json.run_id);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect([...idsByKey.values()].map((ids) => ids.size)).toEqual(keys.map(() => 1));
  expect(await countRows("run")).toBe(before + KEYS);
  expect(inFlightCount).toBeGreaterThan(0);
});

describe("a crash between creating and recording", () => {
  /** From now on nothing can be written about a key that was reserved: what a crash at this point leaves behind. */
  async function breakRecording(): Promise<void> {
    await server.database.pool.query(`
      create function break_recording() returns trigger language plpgsql as $$ begin raise 'recording is broken'; end $$;
      create trigger break_recording before update of status on idempotency_key
        for each row when (new.status is not null) execute function break_recording();
      create trigger break_release before delete on idempotency_key
        for each row execute function break_recording();`);
  }

  async function mendRecording(): Promise<void> {
    await server.database.pool.query("drop function break_recording cascade");
    await server.database.pool.query("update idempotency_key set locked_until = now() where status is null");
  }

  test.each([
    ["a run on a thread", async (): Promise<string> => `/threads/${await newThread()}/runs`, RUN, "run", 1],
    ["a stateless run", async (): Promise<string> => "/runs", RUN, "run", 1],
    ["a waited-for stateless run", async (): Promise<string> => "/runs/wait", RUN, "run", 1],
    ["a streamed run", async (): Promise<string> => `/threads/${await newThread()}/runs/stream`, RUN, "run", 1],
    [
      "a run that rejects others",
      async (): Promise<string> => `/threads/${await newThread()}/runs`,
      { ...RUN, assistant_id: "steps", multitask_strategy: "reject" },
      "run",
      1,
    ],
    ["a batch", async (): Promise<string> => "/runs/batch", [RUN, RUN], "run", 2],
    ["a thread", async (): Promise<string> => "/threads", {}, "thread", 1],
    ["a copied thread", async (): Promise<string> => `/threads/${await newThread()}/copy`, undefined, "thread", 1],
    ["an assistant", async (): Promise<string> => "/assistants", { graph_id: "agent" }, "assistant", 1],
  ] as const)("never makes %s twice", async (what, pathOf, body, table, count) => {
    const path = await pathOf();
    const before = await countRows(table);
    await breakRecording();
    const broken = await post(path, body, `crash-${what}`);
    expect(broken.status).toBe(500);
    expect(await countRows(table)).toBe(before + count);
    await mendRecording();
    await using other = await startTestServer({ graphs: ["agent", "steps"], database: server.database });
    const second = await post(path, body, `crash-${what}`, other.url);
    const third = await post(path, body, `crash-${what}`);
    expect(second.status).toBe(200);
    expect(await countRows(table)).toBe(before + count);
    if (path.endsWith("/stream")) expect(parseFrames(third.text)).toEqual(parseFrames(second.text));
    else expect(third.json).toEqual(second.json);
  });

  test("a batch that was refused in its middle goes on where it stopped", async () => {
    const before = await countRows("run");
    const broken = await post("/runs/batch", [RUN, { ...RUN, assistant_id: "late" }, RUN], "middle");
    expect(broken.status).toBe(404);
    expect(await countRows("run")).toBe(before + 1);
    const again = await post("/runs/batch", [RUN, { ...RUN, assistant_id: "late" }, RUN], "middle");
    expect(again.status).toBe(404);
    expect(await countRows("run")).toBe(before + 1);
  });
});
