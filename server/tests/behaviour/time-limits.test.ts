// Time limits from outside: of a run, of a node, of a run that says nothing. Each ends its run `timeout` with the reason.
import { expect, onTestFinished, test } from "vitest";
import { parseFrames, send } from "../harness/plain-http.ts";
import { startTestServer, type TestServer, type TestServerOptions } from "../harness/test-server.ts";

async function start(options: TestServerOptions): Promise<TestServer> {
  const server = await startTestServer(options);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const NO_TIMEOUTS = {
  HOLDFAST_RUN_TIMEOUT_MS: "0",
  HOLDFAST_NODE_TIMEOUT_MS: "0",
  HOLDFAST_IDLE_TIMEOUT_MS: "0",
};

function working(ms: number, more: object = {}) {
  return { assistant_id: "stubborn", config: { configurable: { work_ms: ms } }, input: {}, ...more };
}

test.each([
  [{ HOLDFAST_RUN_TIMEOUT_MS: "1000" }, "RunTimeoutError", /^The run took longer than 1000 ms\.$/],
  [{ HOLDFAST_IDLE_TIMEOUT_MS: "1000" }, "RunTimeoutError", /^The run sent no event for 1000 ms\.$/],
  [{ HOLDFAST_NODE_TIMEOUT_MS: "1000" }, "NodeTimeoutError", /"work".*1000/],
])("%j ends the run timeout, though its node does not listen", async (env, error, message) => {
  const server = await start({ graphs: ["stubborn"], env: { ...NO_TIMEOUTS, ...env } });
  const thread = (await send("POST", `${server.url}/threads`, {})).json.thread_id;
  const path = `${server.url}/threads/${thread}`;
  const stream = await send("POST", `${path}/runs/stream`, working(6_000, { stream_mode: ["values"] }));
  const last = parseFrames(stream.text).at(-1)!;
  expect(last.event).toBe("error");
  expect(JSON.parse(last.data)).toEqual({ error, message: expect.stringMatching(message) });
  const [run] = (await send("GET", `${path}/runs`)).json;
  expect(run.status).toBe("timeout");
  const { json } = await send("GET", path);
  expect(json.status).toBe("error");
  expect(json.values).toEqual({ log: ["first"] });
  const waited = await send("POST", `${path}/runs/wait`, working(6_000));
  expect(waited.json.__error__.error).toBe(error);
  const next = await send("POST", `${path}/runs/wait`, working(1));
  expect(next.json.log.at(-1)).toBe("worked");
});

test("a run that keeps sending events is not idle", async () => {
  const server = await start({ graphs: ["burst"], env: { ...NO_TIMEOUTS, HOLDFAST_IDLE_TIMEOUT_MS: "400" } });
  const config = { configurable: { events: 12, pause_ms: 100 } };
  const body = { assistant_id: "burst", config, input: {}, stream_mode: ["custom"] };
  const stream = await send("POST", `${server.url}/runs/stream`, body);
  expect(parseFrames(stream.text).map(({ event }) => event)).toEqual(["metadata", ...Array(12).fill("custom")]);
});
