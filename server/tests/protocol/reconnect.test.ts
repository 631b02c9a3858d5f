// The official client follows a thread through the death of everything it depends on: its API, which comes back, and the worker.
import { randomUUID } from "node:crypto";
import { Client } from "@langchain/langgraph-sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { findFreePort, startApi, startWorker } from "../harness/server-process.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const WORDS = Array.from({ length: 60 }, (_, index) => `w${index}`).join(" ");

// biome-ignore lint/suspicious/noExplicitAny: what an event carries depends on its method
type Data = any;

for (const transport of ["sse", "websocket"] as const) {
  test(`A client sees one beginning, one end and no event twice (${transport})`, async () => {
    const port = await findFreePort();
    const env = { DATABASE_URL: database.url };
    const [worker, api] = await Promise.all([startWorker({ env }), startApi({ env, port })]);
    const client = new Client({ apiUrl: api.url, apiKey: null });
    const thread = client.threads.stream(randomUUID(), {
      assistantId: "talk",
      transport,
      webSocketFactory: (url: string) => new WebSocket(url) as unknown as globalThis.WebSocket,
    });
    const seen: { id: string | undefined; method: string; data: Data; isRoot: boolean }[] = [];
    thread.onEvent((event) => {
      const { namespace, data } = event.params;
      seen.push({ id: event.event_id, method: event.method, data, isRoot: namespace.length === 0 });
    });
    await thread.run.start({
      input: { messages: [{ role: "user", content: WORDS }] },
      config: { configurable: { token_ms: 100 } },
    });
    await thread.subscribe({ channels: ["messages", "lifecycle", "values"] });
    await expect
      .poll(() => seen.filter(({ method }) => method === "messages").length, { timeout: 20_000 })
      .toBeGreaterThan(5);
    await Promise.all([worker.kill("SIGKILL"), api.kill("SIGKILL")]);
    const countAtDeath = seen.length;
    await using _api = await startApi({ env, port });
    await using _worker = await startWorker({ env });
    const ends = () =>
      seen.filter(({ method, isRoot, data }) => method === "lifecycle" && isRoot && data.event !== "running");
    await expect.poll(() => ends().length, { timeout: 45_000 }).toBe(1);
    expect(seen.length).toBeGreaterThan(countAtDeath);
    expect(ends()[0]!.data.event).toBe("completed");
    const ids = seen.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const { values } = (await thread.state.get({ namespace: [] })) as Data;
    expect(JSON.stringify(values)).toContain(`You said: ${WORDS}`);
    await thread.close();
  }, 120_000);
}
