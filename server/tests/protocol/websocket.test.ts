// The event protocol over a WebSocket: commands and events on one connection, and how it is refused and closed.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { useServer } from "../harness/sdk-test.ts";
import { rootEnds, summary, TapeReader } from "../harness/tape-reader.ts";

const server = useServer({
  graphs: ["talk", "ask"],
  content: { http: { cors: { allow_origins: ["http://good.test"] } } },
});

// biome-ignore lint/suspicious/noExplicitAny: what a frame carries is what the tests are about
type Frame = any;

interface Connection {
  socket: WebSocket;
  frames: Frame[];
  ask: (method: string, params?: unknown) => Promise<Frame>;
  until: (isThere: (frames: Frame[]) => boolean) => Promise<void>;
}

async function open(threadId: string, headers: Record<string, string> = {}): Promise<Connection> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/threads/${threadId}/stream/events`, { headers });
  const frames: Frame[] = [];
  socket.on("message", (data) => frames.push(JSON.parse(String(data))));
  await once(socket, "open");
  let id = 0;
  const until: Connection["until"] = async (isThere) => {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(5)) if (isThere(frames)) return;
    throw new Error(`not in time: ${JSON.stringify(frames)}`);
  };
  const ask: Connection["ask"] = async (method, params) => {
    const mine = ++id;
    socket.send(JSON.stringify({ id: mine, method, params }));
    await until(() => frames.some((frame) => frame.id === mine));
    return frames.find((frame) => frame.id === mine);
  };
  return { socket, frames, ask, until };
}

const eventsOf = (frames: Frame[]) => frames.filter(({ type }) => type === "event");
const input = { messages: [{ type: "human", content: "a b" }] };

test("Subscriptions are answered before their events, go on across runs, and end when they are given up", async () => {
  const threadId = randomUUID();
  const { socket, frames, ask, until } = await open(threadId);
  const subscribed = await ask("subscription.subscribe", { channels: ["lifecycle", "messages"] });
  expect(subscribed).toMatchObject({ type: "success", result: { subscription_id: expect.any(String) } });
  for (const count of [1, 2]) {
    expect(await ask("run.start", { assistant_id: "talk", input })).toMatchObject({ type: "success" });
    await until(() => rootEnds(eventsOf(frames)).length === count);
  }
  await using reader = await TapeReader.open(server.url, threadId, { channels: ["lifecycle", "messages"] });
  expect(eventsOf(frames)).toEqual(await reader.untilEnds(2));
  const late = await ask("subscription.subscribe", { channels: ["values"] });
  await until(() => frames.some(({ method }) => method === "values"));
  const at = (frame: Frame) => frames.indexOf(frame);
  expect(at(late)).toBeLessThan(at(frames.find(({ method }) => method === "values")));
  const { subscription_id } = subscribed.result;
  expect(await ask("subscription.unsubscribe", { subscription_id })).toMatchObject({ type: "success", result: {} });
  expect(await ask("subscription.unsubscribe", { subscription_id })).toMatchObject({ error: "no_such_subscription" });
  const heard = rootEnds(eventsOf(frames)).length;
  await ask("run.start", { assistant_id: "talk", input });
  await reader.untilEnds(3);
  await sleep(100);
  expect(rootEnds(eventsOf(frames))).toHaveLength(heard);
  socket.close();
});

test("An interrupt is answered on the same connection; since leaves out what came before", async () => {
  const threadId = randomUUID();
  const { socket, frames, ask, until } = await open(threadId);
  await ask("subscription.subscribe", { channels: ["lifecycle", "input"] });
  await ask("run.start", { assistant_id: "ask", input: { answers: [] } });
  await until(() => rootEnds(eventsOf(frames)).length === 1);
  const asked = frames.find(({ method }) => method === "input.requested");
  const other = await open(threadId);
  await other.ask("subscription.subscribe", { channels: ["lifecycle", "values"], namespaces: [[]], since: asked.seq });
  await ask("input.respond", { namespace: [], interrupt_id: asked.params.data.interrupt_id, response: "Ada" });
  await other.until(() => rootEnds(eventsOf(other.frames)).length === 2);
  expect(eventsOf(other.frames).every(({ seq }) => seq > asked.seq)).toBe(true);
  expect(summary(eventsOf(other.frames))[0]).toBe("lifecycle interrupted");
  socket.close();
  other.socket.close();
});

test("What is no command is answered on the socket, which stays open", async () => {
  const { socket, frames, ask, until } = await open(randomUUID());
  for (const text of ["no json", "[]", '{"id":-1,"method":"x"}']) socket.send(text);
  await until(() => frames.length === 3);
  for (const frame of frames) expect(frame).toMatchObject({ type: "error", id: null, error: "invalid_argument" });
  expect(await ask("subscription.subscribe", { channels: [] })).toMatchObject({ error: "invalid_argument" });
  expect(await ask("nothing")).toMatchObject({ error: "unknown_command" });
  socket.close();
});

async function closedWith(path: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`, { headers });
  const [code] = await once(socket, "close");
  return code;
}

test("Refused connections are closed with 4000 plus the HTTP status", async () => {
  expect(await closedWith("/threads/no-uuid/stream/events")).toBe(4422);
  expect(await closedWith("/nowhere")).toBe(4404);
  expect(await closedWith("/ok")).toBe(4404);
  expect(await closedWith(`/threads/${randomUUID()}/stream/events`, { origin: "http://evil.test" })).toBe(4403);
  const { socket } = await open(randomUUID(), { origin: "http://good.test" });
  socket.close();
  const plain = await fetch(`${server.url}/threads/${randomUUID()}/stream/events`);
  expect(plain.status).toBe(426);
});

test("A request that offers another protocol is answered as it is", async () => {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.write("GET /info HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  let text = "";
  for await (const chunk of socket) text += chunk;
  expect(text).toMatch(/^HTTP\/1.1 200/);
  expect(text).toContain("langgraph_js_version");
});
