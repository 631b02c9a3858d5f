// Generated requests for every operation of the API document, against the real server: no 5xx, no hang, nothing stuck.
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { type Schema, type SchemaContext, valuesFor } from "./schema-values.ts";

/** Requests for each operation; a failing one is printed with its seed. More by `FUZZ_REQUESTS`, others by `FUZZ_SEED`. */
const REQUESTS_PER_OPERATION = Number(process.env.FUZZ_REQUESTS ?? 30);
const SEED = process.env.FUZZ_SEED === undefined ? undefined : Number(process.env.FUZZ_SEED);
/** A request that has no answer by then hangs. */
const ANSWER_MAX_MS = 10_000;

interface Operation {
  parameters?: { name: string; in: "path" | "query" | "header"; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8")) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method,
    path,
    operation,
  })),
);

const server = useServer({ graphs: ["loose", "ask"], env: { HOLDFAST_REQUEST_BODY_BYTES_MAX: "200000" } });
const rejections: unknown[] = [];
const onRejection = (reason: unknown) => void rejections.push(reason);
beforeAll(() => void process.on("unhandledRejection", onRejection));
afterAll(() => void process.off("unhandledRejection", onRejection));

/** Something of each kind, so that requests get past "not found". */
async function makeTargets(): Promise<Record<string, string[]>> {
  const post = async (path: string, body: unknown) => (await send("POST", server.url + path, body)).json;
  const assistant = await post("/assistants", { graph_id: "loose" });
  const threads = [await post("/threads", {}), await post("/threads", {}), await post("/threads", {})];
  const [done, asking] = threads;
  await post(`/threads/${done.thread_id}/runs/wait`, { assistant_id: "loose", input: { value: 1 } });
  await post(`/threads/${asking.thread_id}/runs/wait`, { assistant_id: "ask", input: { answers: [] } });
  const cron = await post("/runs/crons", { assistant_id: "loose", schedule: "0 0 1 1 *" });
  const runs = (await send("GET", `${server.url}/threads/${done.thread_id}/runs`)).json;
  const state = (await send("GET", `${server.url}/threads/${done.thread_id}/state`)).json;
  return {
    assistant_id: [assistant.assistant_id, "loose", "ask"],
    graph_id: ["loose", "ask"],
    thread_id: threads.map((thread) => thread.thread_id),
    run_id: [runs[0].run_id],
    checkpoint_id: [state.checkpoint.checkpoint_id],
    cron_id: [cron.cron_id],
    schedule: ["0 0 1 1 *", "*/5 9-17 * * 1-5"],
    timezone: ["Europe/Berlin", "UTC"],
    end_time: ["2099-01-01T00:00:00Z", "2001-01-01T00:00:00"],
    as_node: ["pass", "__start__", "ask"],
  };
}

function contextOf(targets: Record<string, string[]>): SchemaContext {
  return {
    schemas: document.components.schemas,
    valuesOf(name, schema) {
      // A delayed run would make its waiters wait; a webhook would call whatever it names.
      if (name === "after_seconds") return fc.constantFrom(undefined, null, 0, 0.01);
      if (name === "webhook") return fc.constant(undefined);
      if (name === "Idempotency-Key")
        return fc.option(fc.oneof(fc.uuid(), fc.constantFrom("k", "")), { nil: undefined });
      if (name === "Last-Event-ID") return fc.constantFrom("-1", "-", "0", "2", "99", "1.5", "9".repeat(30), "-0", "x");
      const known = targets[name];
      if (known === undefined || schema.type === "array" || schema.anyOf !== undefined) return undefined;
      return fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fc.uuid() });
    },
  };
}

interface Request {
  path: string;
  body: string | undefined;
  headers: Record<string, string>;
}

function requestsFor(
  path: string,
  operation: Operation,
  context: SchemaContext,
  hostile: boolean,
): fc.Arbitrary<Request> {
  const bodySchema = operation.requestBody?.content["application/json"]?.schema;
  const broken = fc.constantFrom(...BROKEN_BODIES);
  const fitting = bodySchema && valuesFor(bodySchema, context, hostile).map((value) => JSON.stringify(value));
  const body =
    fitting && (hostile ? fc.oneof({ weight: 8, arbitrary: fitting }, { weight: 1, arbitrary: broken }) : fitting);
  const parameters = (operation.parameters ?? []).map(({ name, in: place, required, schema }) => {
    const value = valuesFor(schema, context, hostile, name);
    return fc.tuple(fc.constant(place), fc.constant(name), required ? value : fc.option(value, { nil: undefined }));
  });
  const extra = hostile ? fc.option(fc.constantFrom(...ODD_HEADERS), { nil: {}, freq: 6 }) : fc.constant({});
  return fc.tuple(fc.tuple(...parameters), body ?? fc.constant(undefined), extra).map(([values, text, headers]) => {
    const request = buildRequest(path, values, text);
    return { ...request, headers: { ...request.headers, ...headers } };
  });
}

/** What is no JSON, what is no object, and what objects must not be able to do. */
const BROKEN_BODIES = [
  "",
  "{",
  "null",
  "[]",
  '"text"',
  "\u0000",
  '{"a":1,"a":2}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"input":1e400,"limit":9223372036854775808,"metadata":{"n":123456789012345678901234567890}}',
  '{"metadata":{"a":"\\ud800"},"values":{"\\u0000":1},"input":{"value":"\\ud800\\u0000"}}',
  `{"metadata":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
  `{"input":${'{"a":'.repeat(3_000)}1${"}".repeat(3_000)}}`,
  `{"metadata":{${Array.from({ length: 3_000 }, (_, index) => `"k${index}":${index}`).join(",")}}}`,
];

/** Headers that clients and proxies send, and that a server may trip over. */
const ODD_HEADERS: Record<string, string>[] = [
  { prefer: "wait=0" },
  { prefer: "respond-async, wait=1e9" },
  { "content-type": "text/plain" },
  { "content-type": "application/json; charset=utf-16" },
  { "content-type": "multipart/form-data" },
  { "content-type": "application/x-www-form-urlencoded" },
  { accept: "text/event-stream" },
  { accept: "application/xml;q=0.1" },
  { "content-encoding": "gzip" },
  { origin: "null" },
  { "x-http-method-override": "DELETE" },
  { "x-request-id": "x".repeat(4_000) },
  { authorization: "Bearer " },
  { "x-api-key": "hf_" },
  { cookie: "a=b; ".repeat(200) },
];

function buildRequest(
  template: string,
  parameters: ["path" | "query" | "header", string, unknown][],
  body: string | undefined,
): Request {
  let path = template;
  const query: string[] = [];
  const headers: Record<string, string> = {};
  for (const [place, name, value] of parameters) {
    if (value === undefined) continue;
    const texts = (Array.isArray(value) ? value : [value]).map((each) =>
      (typeof each === "string" ? each : (JSON.stringify(each) ?? "")).toWellFormed(),
    );
    const text = texts[0] ?? "x";
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(text) || "x");
    else if (place === "query") query.push(...texts.map((each) => `${name}=${encodeURIComponent(each)}`));
    else headers[name] = text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 300);
  }
  return { path: query.length === 0 ? path : `${path}?${query.join("&")}`, body, headers };
}

/** The status; a stream that stays open is left once it has begun to answer. */
async function statusOf(method: string, { path, body, headers }: Request): Promise<number> {
  const leave = AbortSignal.timeout(ANSWER_MAX_MS);
  const response = await fetch(server.url + path, {
    method: method.toUpperCase(),
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
    body,
    signal: leave,
  });
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) await response.body?.cancel();
  else await response.arrayBuffer();
  return response.status;
}

test.each(OPERATIONS.map((each) => [each.name, each] as const))(
  "%s",
  async (_name, { method, path, operation }) => {
    const targets = await makeTargets();
    // Those of the project's graphs are wanted by the tests that follow.
    if (method === "delete") targets.assistant_id = targets.assistant_id!.slice(0, 1);
    const context = contextOf(targets);
    const requests = fc.oneof(
      requestsFor(path, operation, context, false),
      requestsFor(path, operation, context, true),
    );
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const status = await statusOf(method, request);
        expect(status, `${method} ${request.path} ${request.body}`).toBeLessThan(500);
      }),
      { numRuns: REQUESTS_PER_OPERATION, endOnFailure: true, ...(SEED !== undefined && { seed: SEED }) },
    );
    expect(rejections).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  },
  60_000 + REQUESTS_PER_OPERATION * 1_000,
);

test("afterwards no thread is busy and no run is left over", async () => {
  expect(OPERATIONS.length).toBeGreaterThan(35);
  const busy = () => send("POST", `${server.url}/threads/count`, { status: "busy" }).then(({ json }) => json);
  await expect.poll(busy, { timeout: 20_000, interval: 100 }).toBe(0);
  expect((await send("GET", `${server.url}/metrics`)).text).toMatch(/^lg_api_num_running_runs 0$/m);
  expect((await send("GET", `${server.url}/ok?check_db=1`)).status).toBe(200);
}, 30_000);
