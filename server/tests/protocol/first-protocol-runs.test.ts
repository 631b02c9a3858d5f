// Runs of the first protocol (a client's own, crons, webhooks) as followers of the event protocol see them.
import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { EVERY_CHANNEL, type ProtocolFrame, sendCommand, summary, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({ graphs: ["talk", "nested", "ask", "ask_many"] });
const everything = { channels: EVERY_CHANNEL };

const says = (content: string, more: object = {}) => ({
  assistant_id: "talk",
  input: { messages: [{ type: "human", content, id: "said" }] },
  ...more,
});

async function makeThread(): Promise<string> {
  return (await send("POST", `${server.url}/threads`, {})).json.thread_id;
}

async function createRun(threadId: string, body: object): Promise<string> {
  return (await send("POST", `${server.url}/threads/${threadId}/runs`, body)).json.run_id;
}

/** Event names and data of a whole stream of the first protocol. */
async function streamRun(threadId: string, body: object): Promise<{ event: string; data: unknown }[]> {
  const { text } = await send("POST", `${server.url}/threads/${threadId}/runs/stream`, body);
  return text
    .split("\n\n")
    .map((frame: string) => Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2))))
    .filter(({ data }: { data?: string }) => data !== undefined)
    .map(({ event, data }: { event: string; data: string }) => ({ event, data: JSON.parse(data) }));
}

/** The frames of a run without what differs from run to run. */
function comparable(frames: ProtocolFrame[]): string[] {
  const ids = new Map<string, string>();
  const nameless = (id: string) => ids.get(id) ?? ids.set(id, `id-${ids.size}`).get(id)!;
  return frames.map(({ method, params: { timestamp: _, ...params } }) =>
    JSON.stringify([method, params])
      .replaceAll(/(run-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, nameless)
      .replaceAll(/\b[0-9a-f]{32}\b/g, nameless),
  );
}

async function protocolFrames(params: object): Promise<ProtocolFrame[]> {
  const threadId = randomUUID();
  await using reader = await TapeReader.open(server.url, threadId, everything);
  await sendCommand(server.url, threadId, "run.start", params);
  return await reader.untilEnds();
}

async function followedFrames(start: (threadId: string) => Promise<unknown>): Promise<ProtocolFrame[]> {
  const threadId = await makeThread();
  await using reader = await TapeReader.open(server.url, threadId, everything);
  await start(threadId);
  const frames = await reader.untilEnds();
  await using late = await TapeReader.open(server.url, threadId, everything);
  expect(await late.untilEnds()).toEqual(frames);
  return frames;
}

test("A run created on a followed thread is told just like one of run.start", async () => {
  for (const body of [
    says("a b"),
    says("look up tides"),
    { assistant_id: "nested", input: { trail: ["x"] } },
    { assistant_id: "ask_many", input: { answers: [] } },
  ]) {
    const frames = await followedFrames((threadId) => createRun(threadId, body));
    expect(comparable(frames)).toEqual(comparable(await protocolFrames(body)));
  }
});

for (const stream_mode of [
  ["values", "messages-tuple"],
  ["messages"],
  ["events"],
  ["updates", "tools", "custom", "messages-tuple"],
]) {
  test(`A stream of ${stream_mode} is the same with and without a follower, and the follower has every event`, async () => {
    for (const content of ["a b c", "look up tides"]) {
      const body = says(content, { stream_mode, stream_subgraphs: stream_mode.length > 1 });
      const alone = await streamRun(await makeThread(), body);
      let followed: typeof alone = [];
      const frames = await followedFrames(async (threadId) => {
        followed = await streamRun(threadId, body);
      });
      const names = (events: typeof alone) => events.map(({ event }) => event.replace(/:[0-9a-f-]{36}/g, ""));
      // Callbacks of the two executions may come in another order where they are concurrent.
      if (stream_mode[0] !== "events") expect(names(followed)).toEqual(names(alone));
      expect(new Set(names(followed))).toEqual(new Set(names(alone)));
      const expected = await protocolFrames(says(content));
      // Tools are told under their graph where the first protocol asked for them.
      const shapes = (shown: ProtocolFrame[]) =>
        summary(
          shown.map((frame) =>
            frame.method === "tools" ? { ...frame, params: { ...frame.params, namespace: [] } } : frame,
          ),
        ).filter((line) => !line.includes("tools lifecycle"));
      expect(shapes(frames)).toEqual(shapes(expected));
      const textOf = (shown: ProtocolFrame[]) => shown.flatMap(({ params }) => params.data?.delta?.text ?? []).join("");
      expect(textOf(frames)).toBe(textOf(expected));
    }
  });
}

test("A follower that comes in the middle of a run sees its steps and what it came to; the next run it sees whole", async () => {
  const threadId = await makeThread();
  const config = { configurable: { token_ms: 60 } };
  const runId = await createRun(threadId, says("one two three four five", { config }));
  await expect
    .poll(async () => (await send("GET", `${server.url}/threads/${threadId}/runs/${runId}`)).json.status)
    .toBe("running");
  await using reader = await TapeReader.open(server.url, threadId, everything);
  const frames = await reader.untilEnds();
  const values = frames.filter(({ method }) => method === "values");
  expect(values.map(({ params }) => params.data.messages.length)).toEqual([1, 2]);
  expect(frames[0]!.event_id).toBe(`synth:${runId}:lc||running`);
  expect(frames.filter(({ method }) => method === "messages")).toEqual([]);
  await createRun(threadId, says("again", { config: { configurable: { token_ms: 0 } } }));
  const later = (await reader.untilEnds(2)).slice(frames.length);
  expect(later.some(({ method }) => method === "messages")).toBe(true);
  const numbers = reader.frames.map(({ seq }) => seq);
  expect(numbers).toEqual([...new Set(numbers)].sort((left, right) => left - right));
});

test("A run that streamed other modes shows its values and its questions at its end, and they can be answered", async () => {
  const threadId = await makeThread();
  const runId = await createRun(threadId, {
    assistant_id: "ask_many",
    input: { answers: [] },
    stream_mode: ["updates"],
  });
  await send("GET", `${server.url}/threads/${threadId}/runs/${runId}/join`);
  await using reader = await TapeReader.open(server.url, threadId, everything);
  const frames = await reader.untilEnds();
  expect(summary(frames)).toEqual([
    "lifecycle running",
    "values",
    "input.requested",
    "input.requested",
    "lifecycle interrupted",
  ]);
  await using again = await TapeReader.open(server.url, threadId, everything);
  expect(await again.untilEnds()).toEqual(frames);
  const asked = frames.filter(({ method }) => method === "input.requested");
  const responses = asked.map(({ params }) => ({
    namespace: [],
    interrupt_id: params.data.interrupt_id,
    response: "x",
  }));
  expect(await sendCommand(server.url, threadId, "input.respond", { responses })).toMatchObject({ type: "success" });
  const after = (await reader.untilEnds(2)).filter(({ method }) => method === "values").at(-1)!;
  expect(after.params.data.answers.sort()).toEqual(["left: x", "right: x"]);
});
