// Joining streams of runs, while they last and after their end, through both lines of the official client.
import { expect } from "vitest";
import { UNKNOWN_ID } from "../harness/plain-http.ts";
import { untilRun } from "../harness/run-status.ts";
import { collect, namesOf } from "../harness/sdk-lines.ts";
import { sdkTests, useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent", "steps", "nested"] });
const joining = sdkTests(server, "joining a run's stream");

const ended = { input: human("hi"), streamMode: ["values", "updates"] as ["values", "updates"], streamResumable: true };

joining("after the end gives all events again, or those after the last seen", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const items = await collect(client.runs.stream(thread_id, "agent", ended));
  const runId = items[0]!.data.run_id;
  const join = (lastEventId: string) => collect(client.runs.joinStream(thread_id, runId, { lastEventId }));
  const all = await join("-1");
  expect(all).toEqual(items);
  expect(all.every(({ id }) => id !== undefined)).toBe(true);
  expect(await join(all[1]!.id!)).toEqual(all.slice(2));
  expect(await join(all.at(-1)!.id!)).toEqual([]);
});

joining("of an ended run without a place gives nothing and closes", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "agent", { input: human("hi") });
  await client.runs.join(thread_id, run.run_id);
  expect(await collect(client.runs.joinStream(thread_id, run.run_id))).toEqual([]);
});

joining("while it runs gives each of several clients every event once, in order", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 5, step_ms: 60 } },
    streamMode: ["updates", "custom"],
  });
  const join = () => collect(client.runs.joinStream(thread_id, run.run_id, { lastEventId: "-1" }));
  const early = [join(), join()];
  await untilRun(client, run, "running");
  const late = [join(), join()];
  const logs = await Promise.all([...early, ...late]);
  expect(namesOf(logs[0]!).filter((name) => name === "custom")).toHaveLength(5);
  for (const log of logs) expect(log).toEqual(logs[0]);
  expect((await client.runs.get(thread_id, run.run_id)).status).toBe("success");
  expect(await join()).toEqual(logs[0]);
});

joining("can be limited to modes, subgraphs of them included", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const items = await collect(
    client.runs.stream(thread_id, "nested", {
      input: { trail: [] },
      streamMode: ["values", "updates"],
      streamSubgraphs: true,
      streamResumable: true,
    }),
  );
  const runId = items[0]!.data.run_id;
  const updates = await collect(
    client.runs.joinStream(thread_id, runId, { lastEventId: "-1", streamMode: ["updates"] }),
  );
  const names = namesOf(updates);
  expect(updates).toEqual(items.filter(({ event }) => !event.startsWith("values")));
  expect(names[0]).toBe("metadata");
  expect(names.some((name) => name.startsWith("updates|gp_two:"))).toBe(true);
});

joining("of a run that does not exist gives a single error event", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const items = await collect(client.runs.joinStream(thread_id, UNKNOWN_ID));
  expect(items).toMatchObject([{ event: "error", data: { message: expect.stringContaining("404") } }]);
});

joining("with cancel on disconnect cancels when the joiner leaves", async ({ client }) => {
  const { thread_id } = await client.threads.create();
  const run = await client.runs.create(thread_id, "steps", {
    input: {},
    config: { configurable: { steps: 1, step_ms: 60_000 } },
  });
  const leave = new AbortController();
  const stream = client.runs.joinStream(thread_id, run.run_id, { cancelOnDisconnect: true, signal: leave.signal });
  for await (const { event } of stream) {
    expect(event).toBe("metadata");
    leave.abort();
    break;
  }
  await untilRun(client, run, "interrupted");
});
