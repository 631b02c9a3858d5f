// What bounds a tape: how many runs it keeps, events that retention removed, and a reader that does not read.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { TAPE_RETAINED_RUNS_MAX } from "../../src/runs/limits.ts";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { EVERY_CHANNEL, rootEnds, sendCommand, summary, TapeReader } from "../harness/tape-reader.ts";

const EVENT_BYTES = 20_000;
/** Far more than the server's buffer and both systems' socket buffers hold together. */
const EVENT_COUNT = 1_500;

const server = useServer({ graphs: ["ask", "burst"], env: { HOLDFAST_STREAM_BUFFER_BYTES_MAX: "65536" } });
const everything = { channels: EVERY_CHANNEL };

test("A late reader gets the newest runs only, and a reader that asks for what is gone goes on with what is there", async () => {
  const threadId = randomUUID();
  const runIds: string[] = [];
  await using live = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  for (let count = 1; count <= TAPE_RETAINED_RUNS_MAX + 2; count++) {
    const started = await sendCommand(server.url, threadId, "run.start", {
      assistant_id: "burst",
      input: {},
      config: { configurable: { events: 1, event_bytes: 1 } },
    });
    runIds.push(started.result.run_id);
    await live.untilEnds(count);
  }
  await using late = await TapeReader.open(server.url, threadId, { channels: ["lifecycle"] });
  const frames = await late.untilEnds(TAPE_RETAINED_RUNS_MAX);
  expect(rootEnds(frames).map(({ event_id }) => event_id.split(":")[1])).toEqual(runIds.slice(2));
  await using resumed = await TapeReader.open(server.url, threadId, {
    channels: ["lifecycle"],
    since: live.frames[0]!.seq,
  });
  const rest = await resumed.untilEnds(TAPE_RETAINED_RUNS_MAX);
  expect(rest).toEqual(frames);
}, 60_000);

test("Runs whose events retention removed show their beginning and end", async () => {
  const threadId = randomUUID();
  await using live = await TapeReader.open(server.url, threadId, everything);
  const started = await sendCommand(server.url, threadId, "run.start", { assistant_id: "ask", input: { answers: [] } });
  const whole = await live.untilEnds();
  expect(whole.length).toBeGreaterThan(4);
  const { rowCount } = await server.database.pool.query("delete from run_event where run_id = $1", [
    started.result.run_id,
  ]);
  expect(rowCount).toBeGreaterThan(0);
  await using late = await TapeReader.open(server.url, threadId, everything);
  const frames = await late.untilEnds();
  expect(frames).toEqual([whole[0], whole.at(-1)]);
  expect(summary(frames)).toEqual(["lifecycle running", "lifecycle interrupted"]);
});

test("A WebSocket that is not read is cut off at its buffer, the run ends, and a new one has everything", async () => {
  const threadId = randomUUID();
  const url = `${server.url.replace("http", "ws")}/threads/${threadId}/stream/events`;
  const slow = new WebSocket(url);
  const early: { seq: number }[] = [];
  slow.on("message", (data) => {
    const frame = JSON.parse(String(data));
    if (frame.type === "event") early.push(frame);
  });
  slow.on("error", () => undefined);
  await once(slow, "open");
  slow.send(JSON.stringify({ id: 1, method: "subscription.subscribe", params: { channels: ["custom"] } }));
  const config = { configurable: { events: EVENT_COUNT, event_bytes: EVENT_BYTES } };
  slow.send(JSON.stringify({ id: 2, method: "run.start", params: { assistant_id: "burst", input: {}, config } }));
  await expect.poll(() => early.length, { timeout: 20_000 }).toBeGreaterThan(0);
  slow.pause();
  const runs = `${server.url}/threads/${threadId}/runs`;
  await expect.poll(async () => (await send("GET", runs)).json[0]?.status, { timeout: 30_000 }).toBe("success");
  await expect
    .poll(async () => (await send("GET", `${server.url}/metrics`)).text, { timeout: 20_000 })
    .toContain("holdfast_streams_cut_off_total 1");
  const closed = once(slow, "close");
  slow.resume();
  await closed;
  expect(early.length).toBeLessThan(EVENT_COUNT);
  const since = early.at(-1)!.seq;
  await using rest = await TapeReader.open(server.url, threadId, { channels: ["custom", "lifecycle"], since });
  const frames = await rest.untilEnds();
  const later = frames.filter(({ method }) => method === "custom");
  expect(early.length + later.length).toBe(EVENT_COUNT);
}, 90_000);
