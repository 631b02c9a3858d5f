// Joining a thread instead of a run: the streams of its runs one after the other.
import { randomUUID } from "node:crypto";
import { Client } from "@langchain/langgraph-sdk";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import type { StreamItem } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["steps", "talk"] });
const connect = () => new Client({ apiUrl: server.url, apiKey: null, callerOptions: { maxRetries: 0 } });

/** Reads until the condition holds, then leaves. */
async function readUntil(
  stream: AsyncIterable<unknown>,
  isThere: (items: StreamItem[]) => boolean,
): Promise<StreamItem[]> {
  const items: StreamItem[] = [];
  for await (const item of stream) {
    items.push(item as StreamItem);
    if (isThere(items)) break;
  }
  return items;
}

const input = { messages: [{ role: "user", content: "a" }] };
const runsIn = (items: StreamItem[]) =>
  items.filter(({ event }) => event === "metadata").map(({ data }) => data.run_id);

test("A thread's stream goes on from run to run, can start at its beginning, and resumes after an id", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  const live = readUntil(
    client.threads.joinStream(thread_id, { streamMode: ["run_modes", "lifecycle"] }),
    (items) => items.filter(({ event, data }) => event === "lifecycle" && data.event === "completed").length === 2,
  );
  const ids: string[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const run = await client.runs.create(thread_id, "talk", { input, streamMode: ["values", "updates"] });
    ids.push(run.run_id);
    await client.runs.join(thread_id, run.run_id);
  }
  const items = await live;
  expect(runsIn(items)).toEqual(ids);
  const names = items.map(({ event }) => event);
  expect(names.slice(0, 3)).toEqual(["lifecycle", "metadata", "values"]);
  expect(items[0]!.data).toEqual({ event: "running", graph_name: "talk", run_id: ids[0] });
  const replayed = await readUntil(
    client.threads.joinStream(thread_id, { lastEventId: "-", streamMode: ["run_modes", "lifecycle"] }),
    ({ length }) => length === items.length,
  );
  expect(replayed).toEqual(items);
  const middle = items[5]!;
  const rest = await readUntil(
    client.threads.joinStream(thread_id, { lastEventId: middle.id!, streamMode: ["run_modes", "lifecycle"] }),
    ({ length }) => length === items.length - 6,
  );
  expect(rest).toEqual(items.slice(6));
});

test("Without an id a thread's stream begins with what comes, and tells of runs only unless asked", async () => {
  const client = connect();
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "talk", { input });
  const joined = readUntil(client.threads.joinStream(thread_id), (items) => runsIn(items).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const run = await client.runs.create(thread_id, "talk", { input });
  const items = await joined;
  expect(items.map(({ event }) => event)).toEqual(["metadata"]);
  expect(runsIn(items)).toEqual([run.run_id]);
});

test("Unknown threads are 404, unknown modes 422", async () => {
  expect((await send("GET", `${server.url}/threads/${randomUUID()}/stream`)).status).toBe(404);
  const { thread_id } = await connect().threads.create();
  expect((await send("GET", `${server.url}/threads/${thread_id}/stream?stream_modes=nonsense`)).status).toBe(422);
});
