// A reader that does not read is cut off at the bounded buffer; its run goes on, and it can come back for the rest.
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { parseFrames, send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";

const EVENT_BYTES = 20_000;
/** Far more than the server's buffer and both systems' socket buffers hold together. */
const EVENT_COUNT = 1_500;

const server = useServer({ graphs: ["burst"], env: { HOLDFAST_STREAM_BUFFER_BYTES_MAX: "65536" } });

test("a slow reader is cut off, the run ends, and the reader resumes where it was", async () => {
  const { json: thread } = await send("POST", `${server.url}/threads`, {});
  const body = JSON.stringify({
    assistant_id: "burst",
    input: {},
    stream_mode: ["custom"],
    config: { configurable: { events: EVENT_COUNT, event_bytes: EVENT_BYTES } },
  });
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.write(
    `POST /threads/${thread.thread_id}/runs/stream HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  // It reads the beginning, and then nothing more.
  chunks.push((await once(socket, "data"))[0]);
  socket.pause();
  const runs = `${server.url}/threads/${thread.thread_id}/runs`;
  await expect
    .poll(async () => (await send("GET", runs)).json[0]?.status, { timeout: 20_000, interval: 50 })
    .toBe("success");
  expect((await send("GET", `${server.url}/metrics`)).text).toContain("holdfast_streams_cut_off_total 1");

  const closed = once(socket, "close");
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.resume();
  await closed;
  const early = parseFrames(unchunk(Buffer.concat(chunks)));
  expect(early.length).toBeGreaterThan(0);
  expect(early.length).toBeLessThan(EVENT_COUNT);

  const [{ run_id }] = (await send("GET", runs)).json;
  const last = early.at(-1)!.id!;
  const rest = await send("GET", `${runs}/${run_id}/stream`, undefined, { "last-event-id": last });
  const all = [...early, ...parseFrames(rest.text)];
  expect(all.map(({ id }) => Number(id))).toEqual(all.map((_, index) => index));
  const numbers = all.filter(({ event }) => event === "custom").map(({ data }) => JSON.parse(data).number);
  expect(numbers).toEqual(Array.from({ length: EVENT_COUNT }, (_, index) => index));
}, 60_000);

/** The whole events in a chunked answer that broke off: headers and chunk sizes taken out, the last, torn event left out. */
function unchunk(answer: Buffer): string {
  let rest = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
  const parts: Buffer[] = [];
  for (let end = rest.indexOf("\r\n"); end !== -1; end = rest.indexOf("\r\n")) {
    const size = Number.parseInt(rest.subarray(0, end).toString(), 16);
    parts.push(rest.subarray(end + 2, end + 2 + size));
    rest = rest.subarray(end + 2 + size + 2);
  }
  const text = Buffer.concat(parts).toString();
  return text.slice(0, text.lastIndexOf("\n\n") + 2);
}
