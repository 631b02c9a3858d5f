// A long conversation: its values reach every client whole, while the rows of a run's stream stay small.
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

const MESSAGE_COUNT = 300;

let server: TestServer;
let reader: TestServer;
beforeAll(async () => {
  server = await startTestServer({ graphs: ["agent"] });
  reader = await startTestServer({ graphs: ["agent"], roles: { api: true, worker: false }, database: server.database });
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

interface Values {
  messages: { id: string; content: string }[];
}

async function collect(stream: AsyncIterable<{ event: string; data: unknown }>): Promise<Values[]> {
  const seen: Values[] = [];
  for await (const { event, data } of stream) if (event === "values") seen.push(data as Values);
  return seen;
}

it("shows whole values live, late, from another process and in the thread, and stores each message once", async () => {
  const client = new Client({ apiUrl: server.url });
  const seeds = Array.from({ length: MESSAGE_COUNT }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `message ${index} ${"x".repeat(200)}`,
  }));
  const thread = await client.threads.create({
    graphId: "agent",
    supersteps: [{ updates: [{ values: { messages: seeds }, asNode: "__start__" }] }],
  });
  let runId = "";
  const stream = client.runs.stream(thread.thread_id, "agent", {
    input: { messages: [{ role: "user", content: "hello" }] },
    streamMode: "values",
    onRunCreated: (created) => {
      runId = created.run_id;
    },
  });
  const live = await collect(stream);
  expect(live.length).toBeGreaterThanOrEqual(2);
  expect(live.at(-1)!.messages.length).toBeGreaterThan(MESSAGE_COUNT + 1);

  const other = new Client({ apiUrl: reader.url });
  const late = await collect(other.runs.joinStream(thread.thread_id, runId, { lastEventId: "-1" }));
  expect(late).toEqual(live);
  expect((await other.threads.get<Values>(thread.thread_id)).values).toEqual(live.at(-1));
  expect(await other.runs.join(thread.thread_id, runId)).toEqual(live.at(-1));

  const { rows } = await server.database.pool.query<{ bytes: number; whole: number }>(
    "select max(length(data))::int as bytes, count(*) filter (where omitted is not null)::int as whole from run_event where run_id = $1",
    [runId],
  );
  expect(rows[0]!.whole, "no event left its list to a checkpoint: the test proved nothing").toBeGreaterThanOrEqual(1);
  expect(rows[0]!.bytes).toBeLessThan(2_000);
});
