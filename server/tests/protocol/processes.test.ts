// The tape across processes: an API that runs nothing itself, its death and return, and the death of the worker.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase, type TestDatabase } from "../../src/postgres/testing/test-database.ts";
import { findFreePort, startApi, startWorker } from "../harness/server-process.ts";
import { EVERY_CHANNEL, rootEnds, sendCommand, TapeReader } from "../harness/tape-reader.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

function says(content: string) {
  return {
    assistant_id: "talk",
    input: { messages: [{ type: "human", content }] },
    config: { configurable: { token_ms: 40 } },
  };
}

const WORDS = Array.from({ length: 40 }, (_, index) => `w${index}`).join(" ");
const everything = { channels: EVERY_CHANNEL };

test("Two APIs show the same tape, live and after one of them was killed and came back", async () => {
  const port = await findFreePort();
  const env = { DATABASE_URL: database.url };
  await using worker = await startWorker({ env });
  await using other = await startApi({ env });
  const threadId = randomUUID();
  const api = await startApi({ env, port });
  await using live = await TapeReader.open(other.url, threadId, everything);
  const broken = await TapeReader.open(api.url, threadId, everything);
  const started = await sendCommand(api.url, threadId, "run.start", says(WORDS));
  await broken.until((frames) => frames.length > 10);
  await api.kill("SIGKILL");
  const seen = [...broken.frames];
  await using again = await startApi({ env, port });
  await using back = await TapeReader.open(again.url, threadId, everything);
  const whole = await live.untilEnds();
  expect(await back.untilEnds()).toEqual(whole);
  expect(whole.slice(0, seen.length)).toEqual(seen);
  const texts = whole.flatMap(({ params }) => params.data?.delta?.text ?? []);
  expect(texts.join("")).toBe(`You said: ${WORDS}`);
  const question = await sendCommand(again.url, threadId, "agent.getTree", { run_id: started.result.run_id });
  expect(question.result.tree.status).toBe("completed");
  expect(worker.child.exitCode).toBeNull();
});

test("A run whose worker is killed goes on under the same id: one beginning, one end, rising numbers", async () => {
  const env = { DATABASE_URL: database.url };
  await using api = await startApi({ env });
  const worker = await startWorker({ env });
  const threadId = randomUUID();
  await using live = await TapeReader.open(api.url, threadId, everything);
  await sendCommand(api.url, threadId, "run.start", says(WORDS));
  await live.until((frames) => frames.length > 12);
  await worker.kill("SIGKILL");
  await using successor = await startWorker({ env });
  const frames = await live.untilEnds();
  expect(successor.child.exitCode).toBeNull();
  const roots = frames.filter(({ method, params }) => method === "lifecycle" && params.namespace.length === 0);
  expect(roots.map(({ params }) => params.data.event)).toEqual(["running", "completed"]);
  const numbers = frames.map(({ seq }) => seq);
  expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
  const last = frames.filter(({ method }) => method === "values").at(-1)!;
  expect(JSON.stringify(last.params.data)).toContain(`You said: ${WORDS}`);
  await using late = await TapeReader.open(api.url, threadId, everything);
  expect(await late.untilEnds()).toEqual(frames);
  expect(rootEnds(frames)).toHaveLength(1);
}, 60_000);
