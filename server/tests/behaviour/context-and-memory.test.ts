// The kit's context window and memory on a whole server: a worker that is killed in the middle of a compaction, a transcript that stays
// whole, and facts that are seen and erased through the store's API.
import { setTimeout as sleep } from "node:timers/promises";
import { type ProviderStub, startOpenAiStub } from "@holdfast/provider-stubs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { untilRun } from "../harness/run-status.ts";
import { SDK_LINES } from "../harness/sdk-lines.ts";
import { useServer } from "../harness/sdk-test.ts";
import { startWorker } from "../harness/server-process.ts";

const api = useServer({ graphs: ["long_talk"], roles: { api: true, worker: false } });
let stub: ProviderStub;
beforeAll(async () => {
  stub = await startOpenAiStub();
});
afterAll(() => stub.close());
beforeEach(() => stub.faults.clear());

const connect = () => SDK_LINES[0]!.connect(api.url);
const startTestWorker = () => startWorker({ env: { DATABASE_URL: api.database.url } });
const isSummary = (body: unknown) => JSON.stringify(body).includes("You keep the summary");
const isMemory = (body: unknown) => JSON.stringify(body).includes("You keep long-term memory");

function order(text: string, configurable: object = {}) {
  return {
    input: { messages: [{ role: "user" as const, content: text }] },
    config: { configurable: { model_url: stub.url, ...configurable } },
  };
}

interface Values {
  messages: { type: string; content: string }[];
  compactions: { version: number; summary: string }[];
}

test("a worker killed in the middle of a compaction leaves the thread as it was; another compacts, and the transcript is whole", async () => {
  stub.script(({ messages }) =>
    messages[0]!.text.startsWith("You keep the summary") ? "FACT1 is known." : "Noted, thank you.",
  );
  const client = connect();
  const { thread_id } = await client.threads.create();
  await using first = await startTestWorker();
  const said: string[] = [];
  let isHanging = true;
  stub.faults.when(({ body }) => (isHanging && isSummary(body) ? { kind: "hang" } : undefined));
  let run = await client.runs.create(thread_id, "long_talk", order("Start"));
  said.push("Start");
  while (!stub.calls.some(({ body }) => isSummary(body))) {
    await untilRun(client, run, "success");
    const text = `Turn ${said.length}: ${"word ".repeat(80)}`;
    said.push(text);
    run = await client.runs.create(thread_id, "long_talk", order(text));
    for (let wait = 0; wait < 50 && !stub.calls.some(({ body }) => isSummary(body)); wait++) {
      await sleep(20);
      if ((await client.runs.get(thread_id, run.run_id)).status === "success") break;
    }
  }
  expect(stub.faults.injected).toHaveLength(1);
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("running");
  expect(((await client.threads.getState(thread_id)).values as Partial<Values>).compactions ?? []).toEqual([]);
  await first.kill("SIGKILL");
  isHanging = false;
  await using _second = await startTestWorker();
  await untilRun(client, run, "success");
  const { messages, compactions } = (await client.threads.getState(thread_id)).values as unknown as Values;
  expect(compactions).toMatchObject([{ version: 1, summary: "FACT1 is known." }]);
  expect(messages.filter(({ type }) => type === "human").map(({ content }) => content)).toEqual(said);
  // What the model sees begins with the summary and is less than all of it.
  const last = stub.calls.filter(({ body }) => !isSummary(body)).at(-1)!.conversation!.messages;
  expect(last.some(({ text }) => text.includes("FACT1 is known."))).toBe(true);
  expect(last.length).toBeLessThan(messages.length);
}, 60_000);

test("facts about a user are remembered over threads, and seen and erased through the store's API", async () => {
  await using _worker = await startTestWorker();
  const client = connect();
  const fact = { action: "add", topic: "diet", text: "Ada is allergic to nuts." };
  stub.faults.clear();
  stub.script(({ messages }) => {
    if (!messages[0]!.text.startsWith("You keep long-term memory")) return "Noted.";
    const facts = messages.at(-1)!.text.includes("allergic to nuts and") ? [fact] : [];
    return { toolCalls: [{ name: "update_memory", args: { facts } }] };
  });
  const ada = { user_id: "ada" };
  await client.runs.wait(null, "long_talk", order("I am allergic to nuts and glad to be here.", ada));
  const { items } = await client.store.searchItems(["memories", "ada"]);
  expect(items.map(({ value }) => value)).toMatchObject([{ topic: "diet", text: "Ada is allergic to nuts." }]);
  await client.runs.wait(null, "long_talk", order("What can I cook, nuts aside?", ada));
  const systemOf = () => stub.calls.filter(({ body }) => !isMemory(body)).at(-1)!.conversation!.messages[0]!.text;
  expect(systemOf()).toContain("- Ada is allergic to nuts.");
  await client.runs.wait(null, "long_talk", order("What about nuts?", { user_id: "bob" }));
  expect(systemOf()).toBe("Help.");
  await client.store.deleteItem(["memories", "ada"], items[0]!.key);
  await client.runs.wait(null, "long_talk", order("And nuts now?", ada));
  expect(systemOf()).toBe("Help.");
}, 60_000);
