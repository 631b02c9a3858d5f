// Logger, metrics and reports: secrets never reach a line, a fact is counted and logged together.
import { describe, expect, it } from "vitest";
import { createLogger, subsystemLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { createReport } from "./report.ts";

function captureLog(options: { pretty?: boolean } = {}) {
  const lines: string[] = [];
  const root = createLogger({ level: "debug", ...options, destination: { write: (line: string) => lines.push(line) } });
  return { root, lines };
}

describe("logger", () => {
  it.each([
    ["a nested authorization header", { request: { headers: { authorization: "Basic hunter2" } } }],
    ["an API key header", { "x-api-key": "hunter2" }],
    ["a key under its setting's name", { OPENAI_API_KEY: "hunter2", anthropicApiKey: "hunter2" }],
    ["a password with quotes in it", { password: 'a"hunter2' }],
    ["a connection string", { target: "postgres://holdfast:hunter2@db/holdfast" }],
    ["a connection string inside an error", { err: new Error("cannot reach redis://:hunter2@cache:6379") }],
    ["a header with several values", { cookie: ["hunter2", "x"] }],
    ["a bearer token in a text", { note: "sent Bearer hunter2hunter2" }],
  ])("hides %s", (_name, fields) => {
    const { root, lines } = captureLog();
    root.info(fields, "m");
    expect(lines.join("")).not.toContain("hunter2");
    expect(lines.join("")).toContain("redacted");
  });

  it("keeps what is no secret and stays JSON", () => {
    const { root, lines } = captureLog();
    subsystemLogger(root, "http").info({ runId: "r1", tokens: 12, url: "http://127.0.0.1:8123/ok" }, "served");
    expect(JSON.parse(lines[0]!)).toMatchObject({
      subsystem: "http",
      runId: "r1",
      tokens: 12,
      url: "http://127.0.0.1:8123/ok",
      msg: "served",
    });
  });

  it("writes readable lines with the stack when pretty", () => {
    const { root, lines } = captureLog({ pretty: true });
    subsystemLogger(root, "runs").error({ runId: "r1", err: new Error("boom") }, "run ended");
    expect(lines[0]).toMatch(/error \[runs\] run ended runId=r1\nError: boom\n/);
  });
});

describe("report", () => {
  it("counts and logs a request, streams without a latency", async () => {
    const { root, lines } = captureLog();
    const metrics = createMetrics();
    const report = createReport(root, metrics);
    const fact = { requestId: "q1", method: "GET", route: "/threads/{thread_id}", status: 200, durationMs: 3 };
    report.requestServed({ ...fact, isLongLived: false, isAborted: false });
    report.requestServed({ ...fact, isLongLived: true, isAborted: false });
    const text = await metrics.registry.metrics();
    expect(text).toContain('lg_api_http_requests_total{method="GET",path="/threads/{thread_id}",status="200"} 2');
    expect(text).toContain('lg_api_http_requests_latency_count{method="GET",path="/threads/{thread_id}"} 1');
    expect(JSON.parse(lines[0]!)).toMatchObject({ route: "/threads/{thread_id}", ms: 3, requestId: "q1" });
  });

  it("reads gauges from their owners when scraped, the queue once", async () => {
    const metrics = createMetrics();
    let reads = 0;
    metrics.connectSources({
      runs: async () => {
        reads += 1;
        return { pending: 4, running: 2 };
      },
      workers: () => ({ max: 10, active: 3 }),
    });
    const text = await metrics.registry.metrics();
    expect(text).toContain("lg_api_num_pending_runs 4");
    expect(text).toContain("lg_api_num_running_runs 2");
    expect(text).toContain("lg_api_workers_available 7");
    expect(reads).toBe(1);
  });
});
