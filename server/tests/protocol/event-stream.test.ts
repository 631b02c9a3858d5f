// The event protocol over server-sent events: what a run puts on its thread's tape, and how the tape is read.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { openPool } from "../../src/postgres/pool.ts";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import {
  EVERY_CHANNEL,
  type ProtocolFrame,
  rootEnds,
  sendCommand,
  summary,
  TapeReader,
} from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["talk", "nested", "ask", "failing", "stubborn"] });

function says(content: string, configurable: object = {}) {
  return {
    assistant_id: "talk",
    input: { messages: [{ type: "human", content, id: "said" }] },
    config: { configurable },
  };
}

async function runToEnd(threadId: string, params: object): Promise<ProtocolFrame[]> {
  await using reader = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  await sendCommand(server.url, threadId, "run.start", params);
  return await reader.untilEnds();
}

test("A stream opened before the thread exists gets the whole first run in the protocol's order", async () => {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  const started = await sendCommand(server.url, threadId, "run.start", says("a b"));
  const runId = started.result.run_id;
  const frames = await reader.untilEnds();
  expect(started).toMatchObject({ type: "success", id: 1, meta: { thread_id: threadId } });
  expect(summary(frames)).toEqual([
    "lifecycle running",
    "checkpoints",
    "values",
    "tasks",
    "agent lifecycle started",
    "agent messages message-start",
    "agent messages content-block-start",
    ...Array(4).fill("agent messages content-block-delta"),
    "agent messages content-block-finish",
    "agent messages message-finish",
    "updates agent",
    "tasks",
    "agent lifecycle completed",
    "checkpoints",
    "values",
    "lifecycle completed",
  ]);
  expect(frames[0]!.event_id).toBe(`synth:${runId}:lc||running`);
  expect(frames.at(-1)!.event_id).toBe(`synth:${runId}:lc||completed`);
  expect(frames.at(-1)!.params.data).toEqual({ event: "completed", graph_name: "talk" });
  expect(started.meta.applied_through_seq).toBeLessThan(frames[0]!.seq);
  const deltas = frames.filter(({ params }) => params.data?.event === "content-block-delta");
  expect(deltas.map(({ params }) => params.data.delta.text)).toEqual(["You ", "said: ", "a ", "b"]);
  const update = frames.find(({ method }) => method === "updates")!;
  const said = frames.find(({ params }) => params.data?.event === "message-start")!;
  const [answer] = update.params.data.messages;
  expect(answer).toMatchObject({ type: "ai", content: [{ type: "text", text: "You said: a b" }] });
  expect(answer.id).toBe(said.params.data.id);
  const values = frames.filter(({ method }) => method === "values").at(-1)!;
  expect(values.params.data.messages.map((message: { id: string }) => message.id)).toEqual([
    "said",
    said.params.data.id,
  ]);
  expect(reader.ids).toEqual(frames.map(({ seq }) => String(seq)));
});

test("Checkpoint envelopes stand right before their values, with rising steps", async () => {
  const frames = await runToEnd(randomUUID(), { assistant_id: "nested", input: { trail: [] } });
  const envelopes = frames.flatMap((frame, index) => (frame.method === "checkpoints" ? [index] : []));
  expect(envelopes.length).toBeGreaterThan(3);
  for (const index of envelopes) {
    expect(frames[index + 1]!.method).toBe("values");
    expect(frames[index + 1]!.params.namespace).toEqual(frames[index]!.params.namespace);
  }
  const steps = frames.filter(({ method, params }) => method === "checkpoints" && params.namespace.length === 0);
  expect(steps.map(({ params }) => params.data.step)).toEqual([0, 1, 2]);
});

test("Tools and custom events have channels of their own", async () => {
  const threadId = randomUUID();
  const frames = await runToEnd(threadId, says("look up tides"));
  const tools = frames.filter(({ method }) => method === "tools").map(({ params }) => params.data);
  expect(tools.map(({ event }) => event)).toEqual(["tool-started", "tool-finished"]);
  expect(tools[0]).toMatchObject({ tool_call_id: "call-1", tool_name: "look_up" });
  await using custom = await TapeReader.open(server.url, threadId, { channels: ["custom:progress"] });
  await using others = await TapeReader.open(server.url, threadId, { channels: ["custom:else", "lifecycle"] });
  const [progress] = await custom.until(({ length }) => length > 0);
  expect(progress).toMatchObject({ method: "custom", params: { data: { name: "progress", share: 0.5 } } });
  expect((await others.untilEnds()).every(({ method }) => method === "lifecycle")).toBe(true);
});

test("Namespaces and depth choose the graphs to hear of, with or without task ids", async () => {
  const threadId = randomUUID();
  const frames = await runToEnd(threadId, { assistant_id: "nested", input: { trail: [] } });
  const deepest = frames.map(({ params }) => params.namespace).find(({ length }) => length === 2)!;
  const selections: [object, (namespace: string[]) => boolean][] = [
    [{ namespaces: [[]], depth: 0 }, (namespace) => namespace.length === 0],
    [{ namespaces: [[]], depth: 1 }, (namespace) => namespace.length <= 1],
    [{ namespaces: [["gp_two"]] }, (namespace) => namespace[0]?.startsWith("gp_two:") === true],
    [{ namespaces: [deepest] }, (namespace) => namespace[1] === deepest[1]],
    [{ namespaces: [["gp_two:wrong"]] }, () => false],
  ];
  for (const [selection, isWanted] of selections) {
    await using reader = await TapeReader.open(server.url, threadId, {
      channels: ["values", "lifecycle"],
      ...selection,
    });
    const wanted = frames.filter(
      ({ method, params }) => ["values", "lifecycle"].includes(method) && isWanted(params.namespace),
    );
    if (wanted.length === 0) await sleep(200);
    const got = await reader.until(({ length }) => length >= wanted.length);
    expect(got).toEqual(wanted);
  }
});

test("The tape goes on across runs with rising numbers, and a late reader gets the same events from the start", async () => {
  const threadId = randomUUID();
  await using live = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  await sendCommand(server.url, threadId, "run.start", says("first"));
  await live.untilEnds(1);
  await sendCommand(server.url, threadId, "run.start", says("second"));
  const frames = await live.untilEnds(2);
  const numbers = frames.map(({ seq }) => seq);
  expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
  expect(new Set(frames.map(({ event_id }) => event_id)).size).toBe(frames.length);
  await using late = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  expect(await late.untilEnds(2)).toEqual(frames);
  const middle = frames[7]!.seq;
  await using rest = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL, since: middle });
  expect(await rest.untilEnds(2)).toEqual(frames.filter(({ seq }) => seq > middle));
});

test("Joining in the middle of a run gives what was, then what comes, without gap or repeat", async () => {
  const threadId = randomUUID();
  await using live = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  await sendCommand(server.url, threadId, "run.start", says("one two three four five six", { token_ms: 40 }));
  await live.until((frames) => frames.some(({ params }) => params.data?.delta?.text === "one "));
  await using late = await TapeReader.open(server.url, threadId, { channels: EVERY_CHANNEL });
  expect(await late.untilEnds()).toEqual(await live.untilEnds());
});

test("Runs that the first protocol started are on the tape with their beginning and end", async () => {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  const body = { assistant_id: "talk", input: { messages: [] }, if_not_exists: "create" };
  const { json: run } = await send("POST", `${server.url}/threads/${threadId}/runs`, body);
  const frames = await reader.untilEnds();
  expect(frames.map(({ event_id }) => event_id)).toEqual([
    `synth:${run.run_id}:lc||running`,
    `synth:${run.run_id}:lc||completed`,
  ]);
});

test("A protocol run joined as a stream of the first protocol shows none of the tape's events", async () => {
  const threadId = randomUUID();
  const started = await sendCommand(server.url, threadId, "run.start", says("hi"));
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  await reader.untilEnds();
  const path = `${server.url}/threads/${threadId}/runs/${started.result.run_id}/stream`;
  const { text } = await send("GET", path, undefined, { "last-event-id": "-1" });
  expect(text).toContain("event: metadata");
  expect(text).not.toContain("v2/");
});

test("Failed and cancelled runs end so on the tape", async () => {
  const failed = await runToEnd(randomUUID(), { assistant_id: "failing", input: {} });
  expect(failed.at(-1)!.params.data).toMatchObject({
    event: "failed",
    graph_name: "failing",
    error: expect.any(String),
  });
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle", "messages"] });
  const started = await sendCommand(server.url, threadId, "run.start", says("a b c d e f g", { token_ms: 500 }));
  await reader.until((frames) => frames.some(({ method }) => method === "messages"));
  const waiting = await sendCommand(server.url, threadId, "run.start", says("never"));
  for (const run of [waiting, started]) {
    const cancel = `${server.url}/threads/${threadId}/runs/${run.result.run_id}/cancel`;
    expect((await send("POST", cancel)).status).toBeLessThan(300);
  }
  const ends = rootEnds(await reader.untilEnds(2));
  expect(ends.map(({ event_id, params }) => [event_id.split(":")[1], params.data.event])).toEqual([
    [started.result.run_id, "interrupted"],
    [waiting.result.run_id, "interrupted"],
  ]);
});

test("Values of long threads are read whole, live and late, though their lists are stored once", async () => {
  const threadId = randomUUID();
  const channels = ["values", "lifecycle"];
  await using live = await TapeReader.open(server.url, threadId, { channels });
  const messages = Array.from({ length: 200 }, (_, index) => ({
    type: "human",
    content: `line ${index}`,
    id: `m${index}`,
  }));
  await sendCommand(server.url, threadId, "run.start", { assistant_id: "talk", input: { messages } });
  const frames = await live.untilEnds();
  const values = frames.filter(({ method }) => method === "values");
  expect(values.map(({ params }) => params.data.messages.length)).toEqual([200, 201]);
  await using late = await TapeReader.open(server.url, threadId, { channels });
  expect(await late.untilEnds()).toEqual(frames);
  const pool = openPool(server.database.url, { max: 1 });
  try {
    const { rows } = await pool.query(
      `select length(e.data) as chars, e.omitted from run_event e join run r on r.run_id = e.run_id
       where r.thread_id = $1 and e.event = 'v2/values'`,
      [threadId],
    );
    const { rows: written } = await pool.query(
      "select max(length(e.data)) as chars from run_event e join run r on r.run_id = e.run_id where r.thread_id = $1",
      [threadId],
    );
    expect(written[0].chars).toBeLessThan(2_000);
    expect(rows).toHaveLength(2);
    for (const row of rows) {
      expect(row.chars).toBeLessThan(200);
      expect(row.omitted.within).toBe("data");
    }
  } finally {
    await pool.end();
  }
});

test("Selections that fit nothing are refused with 400", async () => {
  const url = `${server.url}/threads/${randomUUID()}/stream/events`;
  for (const body of [{}, { channels: [] }, { channels: ["nonsense"] }, { channels: ["values"], depth: -1 }]) {
    expect((await send("POST", url, body)).status).toBe(400);
  }
});
