// Health, information, metrics, the API document and the page for it.
import { expect, it } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { human } from "./conversation.ts";

const server = useServer({ graphs: ["agent"] });
const get = (path: string) => send("GET", server.url + path);

it.each(["/ok", "/ok?check_db=1", "/ok?check_db=0"])("%s says that all is well", async (path) => {
  const answer = await get(path);
  expect([answer.status, answer.json]).toEqual([200, { ok: true }]);
});

it("/info tells versions and what is there", async () => {
  const { status, json } = await get("/info");
  expect(status).toBe(200);
  expect(json).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    langgraph_js_version: "1.7.3",
    context: "js",
    flags: { assistants: true, crons: expect.any(Boolean), langsmith: expect.any(Boolean) },
  });
});

it("/metrics counts runs and requests, as text and as JSON", async () => {
  await send("POST", `${server.url}/runs/wait`, { assistant_id: "agent", input: human("hi") });
  const text = await get("/metrics");
  expect(text.headers.get("content-type")).toMatch(/^text\/plain/);
  for (const name of [
    "lg_api_http_requests_total",
    "lg_api_http_requests_latency",
    "lg_api_run_queue_wait_time_1st_attempt",
    "lg_api_num_pending_runs",
    "lg_api_num_running_runs",
    "lg_api_workers_max",
    "lg_api_workers_active",
    "lg_api_workers_available",
    "lg_api_pg_pool_max",
    "lg_api_pg_pool_size",
    "lg_api_pg_pool_available",
  ]) {
    expect(text.text).toMatch(new RegExp(`^${name}`, "m"));
  }
  expect(text.text).toContain('\nholdfast_runs_ended_total{status="success"} 1\n');
  expect((await get("/metrics?format=json")).json).toBeTypeOf("object");
});

it("/openapi.json describes the operations that exist", async () => {
  const { json } = await get("/openapi.json");
  expect(json.openapi).toMatch(/^3\./);
  const paths = Object.keys(json.paths);
  for (const path of ["/assistants/search", "/threads/{thread_id}/runs/stream", "/runs/wait", "/threads/prune"]) {
    expect(paths).toContain(path);
  }
});

it("/docs and / are pages", async () => {
  for (const path of ["/docs", "/"]) {
    const answer = await get(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/html/);
  }
});

it("truncating is not offered unless it was asked for", async () => {
  const answer = await send("POST", `${server.url}/internal/truncate`, { threads: true });
  expect(answer.status).toBe(404);
});

it("browsers of other origins may read what clients need", async () => {
  const origin = "https://smith.langchain.com";
  const answer = await fetch(`${server.url}/info`, { headers: { origin } });
  expect(["*", origin]).toContain(answer.headers.get("access-control-allow-origin"));
  const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase() ?? "";
  for (const name of ["content-location", "location", "x-pagination-total", "x-pagination-next"]) {
    expect(exposed).toContain(name);
  }
  const preflight = await fetch(`${server.url}/threads`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "x-api-key,x-auth-scheme,content-type,last-event-id,prefer",
      "access-control-request-private-network": "true",
    },
  });
  expect(preflight.status).toBeLessThan(300);
  expect(preflight.headers.get("access-control-allow-private-network")).toBe("true");
  expect(preflight.headers.get("access-control-allow-headers")?.toLowerCase()).toMatch(/\*|last-event-id/);
});
