// Event streams over real sockets: framing, headers, heartbeats, slow readers, clients that go away, resuming.
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Run } from "../../domain/run.ts";
import { type Fixture, startFixture, UNKNOWN_ID } from "../http-app.fixture.ts";

const BODY = { assistant_id: "agent", input: {} };

async function openStream(fixture: Fixture, body: object = {}) {
  const created = new Promise<Run>((resolve) => {
    fixture.engine.onRun = resolve;
  });
  const abort = new AbortController();
  const response = await fetch(`${fixture.url}/runs/stream`, {
    method: "POST",
    body: JSON.stringify({ ...BODY, ...body }),
    signal: abort.signal,
  });
  return { response, run: await created, abort };
}

function parseFrames(text: string): Record<string, string>[] {
  return text
    .split("\n\n")
    .filter((frame) => frame !== "" && !frame.startsWith(":"))
    .map((frame) => Object.fromEntries(frame.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2))));
}

/** A client that reads only when told to. */
async function openRawStream(fixture: Fixture, body: object = {}): Promise<{ socket: Socket; run: Run }> {
  const created = new Promise<Run>((resolve) => {
    fixture.engine.onRun = resolve;
  });
  const socket = connect(fixture.server.address.port, "127.0.0.1");
  const text = JSON.stringify({ ...BODY, ...body });
  socket.write(`POST /runs/stream HTTP/1.1\r\nhost: h\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  socket.pause();
  return { socket, run: await created };
}

describe("a stream", () => {
  it("opens before the first event and names the run", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("content-location")).toBe(`/runs/${run.runId}`);
    expect(response.headers.get("location")).toBe(`/runs/${run.runId}/stream`);
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(response.headers.get("cache-control")).toContain("no-cache");
    expect(response.headers.get("x-request-id")).toBeTruthy();
    fixture.engine.finish(run.runId);
    await response.text();
  });

  it("sends numbered events, one line each, whatever is in them", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    const awkward = JSON.stringify({ text: "a\nb\r\u2028c: d" });
    fixture.engine.emit(run.runId, "values|no\r\nde:1", awkward);
    fixture.engine.emit(run.runId, "custom", '{\n "pretty": 1\n}');
    fixture.engine.finish(run.runId);
    const frames = parseFrames(await response.text());
    expect(frames).toEqual([
      { id: "0", event: "metadata", data: JSON.stringify({ run_id: run.runId, attempt: 1 }) },
      { id: "1", event: "values|node:1", data: awkward },
      { id: "2", event: "custom", data: '{  "pretty": 1 }' },
    ]);
  });
});

describe("a quiet or slow connection", () => {
  it("beats while nothing happens, every connection from one timer", async () => {
    await using fixture = await startFixture({ settings: { heartbeatIntervalMs: 100 } });
    const startedAt = performance.now();
    const streams = [await openStream(fixture), await openStream(fixture)];
    await sleep(650);
    const periods = (performance.now() - startedAt) / 100;
    for (const run of fixture.engine.runs.values()) fixture.engine.finish(run.runId);
    for (const { response } of streams) {
      const beats = (await response.text()).match(/^: heartbeat$/gm)?.length ?? 0;
      expect(beats).toBeGreaterThanOrEqual(3);
      expect(beats).toBeLessThanOrEqual(Math.ceil(periods));
    }
  });

  it("cuts off a client that does not read, and nobody else", async () => {
    await using fixture = await startFixture({ settings: { streamBufferBytesMax: 100_000 } });
    const slow = await openRawStream(fixture);
    const { response } = await fetchJoin(fixture, slow.run);
    const reading = response.text();
    const data = JSON.stringify({ text: "x".repeat(50_000) });
    // What the system buffers on both sides comes on top of the limit.
    for (let count = 0; count < 1_000 && fixture.engine.followerCounts.get(slow.run.runId) === 2; count++) {
      fixture.engine.emit(slow.run.runId, "values", data);
      await sleep(1);
    }
    await expect.poll(() => fixture.engine.followerCounts.get(slow.run.runId)).toBe(1);
    fixture.engine.emit(slow.run.runId, "values", '{"last":true}');
    fixture.engine.finish(slow.run.runId);
    const frames = parseFrames(await reading);
    expect(frames.map(({ id }) => Number(id))).toEqual(
      fixture.engine.events.get(slow.run.runId)!.map(({ seq }) => seq),
    );
    expect(frames.at(-1)!.data).toBe('{"last":true}');
    expect(fixture.engine.cancelled).toEqual([]);
    const metrics = await fixture.services.metrics.registry.metrics();
    expect(metrics).toContain("holdfast_streams_cut_off_total 1");
    slow.socket.destroy();
  });

  it("sends an event larger than the limit to a client that reads", async () => {
    await using fixture = await startFixture({ settings: { streamBufferBytesMax: 1_000 } });
    const { response, run } = await openStream(fixture);
    const data = JSON.stringify("x".repeat(20_000_000));
    fixture.engine.emit(run.runId, "values", data);
    fixture.engine.finish(run.runId);
    expect(parseFrames(await response.text())[1]!.data).toHaveLength(data.length);
  });
});

describe("the end of a stream", () => {
  it("ends without an extra event, after the status is final", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    fixture.engine.finish(run.runId);
    expect(parseFrames(await response.text()).map(({ event }) => event)).toEqual(["metadata"]);
  });

  it("drops the connection when reading fails, so that clients come back for the rest", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    fixture.engine.fail(run.runId, new Error("lost the rows"));
    await expect(response.text()).rejects.toThrow();
    expect(fixture.logLines.join("")).toContain("lost the rows");
  });

  it("drops the connection when the stream cannot even begin", async () => {
    await using fixture = await startFixture();
    fixture.engine.followRun = () => {
      throw new Error("cannot follow");
    };
    const body = JSON.stringify(BODY);
    const reading = fetch(`${fixture.url}/runs/stream`, { method: "POST", body }).then((response) => response.text());
    await expect(reading).rejects.toThrow();
    expect(fixture.logLines.join("")).toContain("cannot follow");
    expect((await fetch(`${fixture.url}/ok`)).status).toBe(200);
  });

  it("counts what is open", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    expect(await fixture.services.metrics.registry.metrics()).toContain("holdfast_streams_open 1");
    fixture.engine.finish(run.runId);
    await response.text();
    await expect.poll(async () => fixture.services.metrics.registry.metrics()).toContain("holdfast_streams_open 0");
  });
});

async function fetchJoin(fixture: Fixture, run: Run, headers: Record<string, string> = {}, query = "") {
  const url = `${fixture.url}/threads/${run.threadId}/runs/${run.runId}/stream${query}`;
  const response = await fetch(url, { headers });
  return { response };
}

describe("a client that goes away", () => {
  it("leaves the run alone by default and no follower behind", async () => {
    await using fixture = await startFixture();
    const { run, abort } = await openStream(fixture);
    abort.abort();
    await expect.poll(() => fixture.engine.followerCounts.get(run.runId)).toBe(0);
    expect(fixture.engine.cancelled).toEqual([]);
  });

  it.each(["stream", "wait"])("cancels the run where on_disconnect says so: %s", async (door) => {
    await using fixture = await startFixture();
    const abort = new AbortController();
    const created = new Promise<Run>((resolve) => {
      fixture.engine.onRun = resolve;
    });
    const body = JSON.stringify({ ...BODY, on_disconnect: "cancel" });
    const asked = fetch(`${fixture.url}/runs/${door}`, { method: "POST", body, signal: abort.signal });
    const run = await created;
    await asked;
    abort.abort();
    await expect.poll(() => fixture.engine.cancelled).toEqual([{ runId: run.runId, action: "interrupt", wait: false }]);
  });

  it("cancels nothing when the run ended first", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture, { on_disconnect: "cancel" });
    fixture.engine.finish(run.runId);
    await response.text();
    await sleep(50);
    expect(fixture.engine.cancelled).toEqual([]);
  });

  it("cancels for a joiner that asked for it", async () => {
    await using fixture = await startFixture();
    const { run } = await openStream(fixture);
    const socket = connect(fixture.server.address.port, "127.0.0.1");
    socket.write(`GET /runs/${run.runId}/stream?cancel_on_disconnect=1 HTTP/1.1\r\nhost: h\r\n\r\n`);
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await expect.poll(() => fixture.engine.cancelled.map(({ runId }) => runId)).toEqual([run.runId]);
  });
});

describe("joining", () => {
  it("goes on after the event the client has, or from the start", async () => {
    await using fixture = await startFixture();
    const { response, run } = await openStream(fixture);
    fixture.engine.emit(run.runId, "values", '{"n":1}');
    fixture.engine.emit(run.runId, "values", '{"n":2}');
    fixture.engine.finish(run.runId);
    await response.text();
    const ids = async (lastEventId: string) => {
      const joined = await fetchJoin(fixture, run, { "last-event-id": lastEventId });
      return parseFrames(await joined.response.text()).map(({ id }) => id);
    };
    expect(await ids("0")).toEqual(["1", "2"]);
    expect(await ids("-1")).toEqual(["0", "1", "2"]);
    expect(await ids("-")).toEqual(["0", "1", "2"]);
    expect(await ids("2")).toEqual([]);
  });

  it("starts at the first event while the run lasts, and closes at once when it is over", async () => {
    await using fixture = await startFixture();
    const { run } = await openStream(fixture);
    fixture.engine.emit(run.runId, "values", '{"n":1}');
    const { response } = await fetchJoin(fixture, run);
    fixture.engine.finish(run.runId);
    expect(parseFrames(await response.text()).map(({ id }) => id)).toEqual(["0", "1"]);
    const late = await fetchJoin(fixture, run);
    expect([late.response.status, await late.response.text()]).toEqual([200, ""]);
  });

  it("refuses an id that cannot be one", async () => {
    await using fixture = await startFixture();
    const { run } = await openStream(fixture);
    for (const id of ["abc", "-2", "1.5", "1e3", "99999999999999999999"]) {
      expect((await fetchJoin(fixture, run, { "last-event-id": id })).response.status).toBe(422);
    }
  });

  it("says in the stream that there is no such run, whether it is missing or somebody else's", async () => {
    await using fixture = await startFixture();
    const { run } = await openStream(fixture);
    const missing = await fetch(`${fixture.url}/threads/${UNKNOWN_ID}/runs/${UNKNOWN_ID}/stream`);
    fixture.auth.rule = () => ({ equals: { key: "owner", value: "me" } });
    const foreign = await fetchJoin(fixture, run);
    for (const response of [missing, foreign.response]) {
      expect(response.status).toBe(200);
      const frames = parseFrames(await response.text());
      expect(frames).toEqual([{ event: "error", data: '{"error":"Error","message":"404: Run not found"}' }]);
    }
  });

  it.each([
    ["?stream_mode=updates", ["metadata", "updates", "updates|a:1", "error"]],
    ["?stream_mode=messages-tuple", ["metadata", "messages", "messages|a:1", "error"]],
    ["?stream_mode=messages", ["metadata", "messages", "messages/partial", "messages|a:1", "error"]],
    ["?stream_mode=values&stream_mode=updates", ["metadata", "values", "updates", "updates|a:1", "error"]],
    ["?namespace=a", ["metadata", "messages/partial", "updates|a:1", "messages|a:1", "error"]],
    [
      `?namespace=${encodeURIComponent("a:1")}`,
      ["metadata", "messages/partial", "updates|a:1", "messages|a:1", "error"],
    ],
    ["?stream_mode=updates&namespace=a", ["metadata", "updates|a:1", "error"]],
    ["?stream_mode=tools", ["metadata", "error"]],
  ])("filters by %s", async (query, expected) => {
    await using fixture = await startFixture();
    const { run } = await openStream(fixture);
    for (const event of ["values", "updates", "messages", "messages/partial", "updates|a:1", "messages|a:1", "error"]) {
      fixture.engine.emit(run.runId, event, "{}");
    }
    const { response } = await fetchJoin(fixture, run, {}, query);
    fixture.engine.finish(run.runId);
    expect(parseFrames(await response.text()).map(({ event }) => event)).toEqual(expected);
  });
});
