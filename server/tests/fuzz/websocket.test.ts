// Frames that no client should send, on WebSockets of the event protocol: each is answered or closes its socket, and the server goes on.
import { once } from "node:events";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";

const server = useServer({ graphs: ["loose"] });
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => void rejections.push(reason);
beforeAll(() => void process.on("unhandledRejection", onRejection));
afterAll(() => void process.off("unhandledRejection", onRejection));

const METHODS = [
  "run.start",
  "state.get",
  "input.respond",
  "subscription.subscribe",
  "subscription.unsubscribe",
  "agent.getTree",
];

const command = fc.record(
  {
    id: fc.oneof(fc.nat(), fc.constantFrom<unknown>(-1, 1.5, "1", null, 2 ** 60)),
    method: fc.oneof(
      fc.constantFrom<unknown>(...METHODS),
      fc.constantFrom<unknown>("", "__proto__", "constructor", 7, null),
    ),
    params: fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record(
        { assistant_id: fc.constantFrom<unknown>("loose", "", 7), input: fc.jsonValue({ maxDepth: 2 }) },
        { requiredKeys: [] },
      ),
      fc.record(
        {
          channels: fc.array(fc.constantFrom<unknown>("values", "lifecycle", "x", 7)),
          since: fc.constantFrom<unknown>(0, -1, 1e30, "x"),
        },
        { requiredKeys: [] },
      ),
      fc.constantFrom<unknown>(
        { channels: ["values"], namespaces: [["a"], 7] },
        { responses: [{ interrupt_id: "\u0000", response: "\ud800" }] },
      ),
    ),
  },
  { requiredKeys: [] },
);

const frame: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  { weight: 6, arbitrary: command.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme" }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "",
      "{",
      "[]",
      "null",
      "\u0000",
      '{"__proto__":{"polluted":1}}',
      "[".repeat(20_000),
      "x".repeat(100_000),
    ),
  },
);

test("whatever a socket is sent, it answers or closes, and the server goes on", async () => {
  const { json: thread } = await send("POST", `${server.url}/threads`, {});
  const url = `${server.url.replace("http", "ws")}/threads/${thread.thread_id}/stream/events`;
  let heardCount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), async (frames) => {
      const socket = new WebSocket(url);
      socket.on("message", () => {
        heardCount++;
      });
      socket.on("error", () => undefined);
      await once(socket, "open");
      for (const each of frames) if (socket.readyState === WebSocket.OPEN) socket.send(each);
      // Its pong comes after everything before it was read; a closed socket has none.
      if (socket.readyState === WebSocket.OPEN) {
        socket.ping();
        await Promise.race([once(socket, "pong"), once(socket, "close")]);
      }
      socket.terminate();
      expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
    }),
    { numRuns: 80, endOnFailure: true },
  );
  expect(heardCount).toBeGreaterThan(20);
  expect(rejections).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  const busy = () => send("POST", `${server.url}/threads/count`, { status: "busy" }).then(({ json }) => json);
  await expect.poll(busy, { timeout: 20_000, interval: 100 }).toBe(0);
}, 90_000);

test.each([
  ["/threads/not-a-uuid/stream/events", {}],
  ["/threads/0198c1f0-0000-7000-8000-000000000000/nothing", {}],
  ["/ok", {}],
  [`/threads/${"x".repeat(5_000)}/stream/events`, {}],
  ["/threads/%00/stream/events", {}],
  ["/threads/%ff/stream/events?since=x", { "sec-websocket-protocol": "a, b" }],
])(
  "an upgrade at %s is refused and the server goes on",
  async (path, headers) => {
    const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`, { headers });
    const ended = await new Promise<string>((resolve) => {
      socket.once("unexpected-response", (_, response) => resolve(`answer ${response.statusCode}`));
      socket.once("close", (code) => resolve(`close ${code}`));
      socket.once("error", (error) => resolve(`error ${error.message}`));
    });
    socket.terminate();
    expect(ended).not.toMatch(/answer 5/);
    expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
    expect(rejections).toEqual([]);
  },
  20_000,
);
