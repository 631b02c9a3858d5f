// Requests that no client sends on purpose: broken encodings, hostile JSON, oversized and endless bodies.
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";

const BODY_BYTES_MAX = 100_000;

const server = useServer({
  graphs: ["loose"],
  env: { HOLDFAST_REQUEST_BODY_BYTES_MAX: String(BODY_BYTES_MAX) },
});

const post = (path: string, body: unknown) => send("POST", server.url + path, body);
const run = (value: unknown) => post("/runs/wait", { assistant_id: "loose", input: { value } });

/** Sends bytes and returns the answer's first line, or "" where the server only closes. */
async function sendRaw(text: string | Buffer): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(text);
  const answer = await Promise.race([
    once(socket, "data").then(([chunk]) => String(chunk)),
    once(socket, "close").then(() => ""),
  ]);
  socket.destroy();
  return answer.split("\r\n")[0]!;
}

test("text with a null character or half a surrogate pair is kept out of PostgreSQL's way", async () => {
  for (const value of ["a\u0000b", "\ud800", "\udc00x", { "k\u0000": 1 }, ["\u0000"]]) {
    const answer = await run(value);
    expect(answer.status).toBeLessThan(500);
    const thread = await post("/threads", { metadata: { value } });
    expect(thread.status).toBeLessThan(500);
    const found = await post("/threads/search", { metadata: { value } });
    expect(found.status).toBeLessThan(500);
  }
});

test("numbers at the edges come back as they went, or are refused", async () => {
  for (const value of [0, -0, 1e308, -1e-308, Number.MAX_SAFE_INTEGER, 2 ** 64, 0.1 + 0.2]) {
    const { json } = await run(value);
    expect(json.value).toBe(value === 0 ? 0 : value);
  }
});

test("names that mean something to JavaScript are names like any other", async () => {
  const metadata = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}');
  const answer = await send("POST", `${server.url}/threads`, JSON.stringify({ metadata }));
  expect(answer.status).toBe(200);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  const sent = '{"assistant_id":"loose","input":{"value":{"__proto__":{"polluted":1}}}}';
  expect((await send("POST", `${server.url}/runs/wait`, sent)).status).toBe(200);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test("JSON nested ten thousand levels deep is an answer, not a crash", async () => {
  const deep = "[".repeat(10_000) + "]".repeat(10_000);
  const answer = await send("POST", `${server.url}/runs/wait`, `{"assistant_id":"loose","input":{"value":${deep}}}`);
  expect(answer.status).toBeLessThan(500);
  expect((await send("POST", `${server.url}/threads`, `{"metadata":{"x":${deep}}}`)).status).toBeLessThan(500);
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
});

test("a body over the limit is 413 whether its length is announced or not", async () => {
  const body = JSON.stringify({ metadata: { text: "x".repeat(BODY_BYTES_MAX) } });
  expect((await send("POST", `${server.url}/threads`, body)).status).toBe(413);
  const chunk = `${(1_000).toString(16)}\r\n${"x".repeat(1_000)}\r\n`;
  const chunked = `POST /threads HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(200)}0\r\n\r\n`;
  expect(await sendRaw(chunked)).toContain("413");
});

test("a body at the limit is taken", async () => {
  const rest = JSON.stringify({ metadata: { text: "" } }).length;
  const body = JSON.stringify({ metadata: { text: "x".repeat(BODY_BYTES_MAX - rest) } });
  expect(body.length).toBe(BODY_BYTES_MAX);
  expect((await send("POST", `${server.url}/threads`, body)).status).toBe(200);
});

test("a body that is no UTF-8, or an announced one that never comes, hurts nobody else", async () => {
  const head = "POST /threads HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n";
  const status = await sendRaw(Buffer.concat([Buffer.from(head), Buffer.from([0x22, 0xff, 0xfe, 0x22])]));
  expect(status).toMatch(/ 4\d\d /);
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("POST /threads HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
  socket.destroy();
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
});

test.each(["%", "%zz", "%00", "%2e%2e%2f", "a%20b", "%F0%9F%98%80", "..", "x".repeat(5_000)])(
  "a path with %s in it is an answer below 500",
  async (segment) => {
    for (const path of [`/threads/${segment}`, `/assistants/${segment}`, `/docs/${segment}`]) {
      const status = await sendRaw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
      expect(status).toMatch(/^HTTP\/1\.1 [234]\d\d/);
    }
  },
);

test("what is not HTTP is turned away", async () => {
  expect(await sendRaw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")).toMatch(/^(HTTP\/1\.1 400|$)/);
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
});

test("what looks like SQL is text", async () => {
  const evil = "'); drop table thread; --";
  const made = await post("/assistants", { graph_id: "loose", name: evil, metadata: { [evil]: evil } });
  expect(made.status).toBe(200);
  const found = await post("/assistants/search", { name: evil, metadata: { [evil]: evil } });
  expect(found.json).toHaveLength(1);
  expect((await post("/assistants/search", { name: "%_\\" })).json).toEqual([]);
  expect((await post("/threads", {})).status).toBe(200);
});

test("a header line that is too long, or too many of them, is refused", async () => {
  const long = `GET /ok HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(100_000)}\r\n\r\n`;
  expect(await sendRaw(long)).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
});
