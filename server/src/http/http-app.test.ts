// What all doors have in common: request ids, bodies of every kind, limits, CORS, methods, the log.
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startFixture, UNKNOWN_ID } from "./http-app.fixture.ts";

const post = (url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", body, headers });

describe("request ids and the log", () => {
  it("keeps a sane id and replaces any other", async () => {
    await using fixture = await startFixture();
    const kept = await fetch(`${fixture.url}/ok`, { headers: { "x-request-id": "abc-123" } });
    expect(kept.headers.get("x-request-id")).toBe("abc-123");
    const minted = await fetch(`${fixture.url}/ok`, { headers: { "x-request-id": 'a b"{}' } });
    expect(minted.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("writes one line per request with the path's template, and no content", async () => {
    await using fixture = await startFixture();
    const headers = { authorization: "Bearer top-secret-token", "x-request-id": "line-1" };
    await post(`${fixture.url}/threads?x=query-secret`, '{"metadata":{"k":"body-secret"}}', headers);
    await fetch(`${fixture.url}/threads/${UNKNOWN_ID}`, { headers: { "x-request-id": "line-2" } });
    await expect.poll(() => fixture.logLines.length).toBe(2);
    const [first, second] = fixture.logLines.map((line) => JSON.parse(line));
    expect(first).toMatchObject({ method: "POST", route: "/threads", status: 200, requestId: "line-1" });
    expect(second).toMatchObject({ method: "GET", route: "/threads/{thread_id}", status: 404, requestId: "line-2" });
    expect(fixture.logLines.join("")).not.toMatch(/secret|Bearer/);
  });
});

describe("bodies", () => {
  it.each([
    ["no content type", {}],
    ["text/plain", { "content-type": "text/plain;charset=UTF-8" }],
    ["JSON", { "content-type": "application/json" }],
  ])("reads JSON with %s", async (_name, headers) => {
    await using fixture = await startFixture();
    const body = new TextEncoder().encode('{"metadata":{"k":"v"}}');
    const response = await post(`${fixture.url}/threads`, body, headers as Record<string, string>);
    expect(await response.json()).toMatchObject({ metadata: { k: "v" } });
  });

  it("takes an empty body for an empty object, on a GET with a content type too", async () => {
    await using fixture = await startFixture();
    expect((await fetch(`${fixture.url}/threads`, { method: "POST" })).status).toBe(200);
    const headers = { "content-type": "application/json" };
    expect((await fetch(`${fixture.url}/assistants/agent/schemas`, { headers })).status).toBe(200);
  });

  it("ignores unknown fields", async () => {
    await using fixture = await startFixture();
    expect((await post(`${fixture.url}/threads`, '{"unknownField":1}')).status).toBe(200);
  });

  it.each([
    ["broken JSON", '{"metadata":', 400, "Malformed JSON in request body"],
    ["a wrong type", '{"metadata":7}', 422, "body.metadata: Invalid input: expected record, received number"],
    [
      "a wrong choice",
      '{"if_exists":"maybe"}',
      422,
      'body.if_exists: Invalid option: expected one of "raise"|"do_nothing"',
    ],
    ["an id that is no UUID", '{"thread_id":"t1"}', 422, "body.thread_id: must be a UUID"],
    [
      "a NUL character",
      '{"metadata":{"k":"a\\u0000b"}}',
      422,
      "body.metadata.k: a NUL character is not allowed in text",
    ],
    ["half a surrogate pair", '{"metadata":{"k":"\\ud800"}}', 422, "body.metadata.k: half of a surrogate pair"],
    ["endless nesting", `{"metadata":{"k":${"[".repeat(900)}${"]".repeat(900)}}}`, 422, "nested more than 200 levels"],
    ["a list for an object", "[]", 422, "body: Invalid input: expected object, received array"],
  ])("refuses %s and says why", async (_name, body, status, detail) => {
    await using fixture = await startFixture();
    const response = await post(`${fixture.url}/threads`, body);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
  });

  it("keeps an escaped backslash before u0000 and a whole surrogate pair", async () => {
    await using fixture = await startFixture();
    const response = await post(`${fixture.url}/threads`, '{"metadata":{"a":"\\\\u0000","b":"\\ud83d\\ude00"}}');
    expect(await response.json()).toMatchObject({ metadata: { a: "\\u0000", b: "😀" } });
  });

  it("refuses a body over the limit, announced or not", async () => {
    await using fixture = await startFixture({ settings: { requestBodyBytesMax: 1_000 } });
    const body = JSON.stringify({ metadata: { k: "x".repeat(5_000) } });
    const announced = await post(`${fixture.url}/threads`, body);
    expect(announced.status).toBe(413);
    expect(((await announced.json()) as { detail: string }).detail).toContain("1000 bytes");
    expect(await sendChunked(`${fixture.url}/threads`, body)).toBe(413);
    expect((await fetch(`${fixture.url}/ok`)).status).toBe(200);
  });
});

it("does not take a client that goes away in the middle of its body for a defect", async () => {
  await using fixture = await startFixture();
  for (const headers of [{ "content-length": "500" }, {}]) {
    const outgoing = request(`${fixture.url}/threads`, { method: "POST", headers });
    outgoing.on("error", () => {});
    outgoing.write('{"metadata":');
    await sleep(30);
    outgoing.destroy();
  }
  await expect.poll(() => fixture.logLines.filter((line) => line.includes('"aborted":true')).length).toBe(2);
  expect(fixture.logLines.join("")).not.toContain("request failed");
  expect(fixture.threads.size).toBe(0);
});

/** Sends the body in pieces without announcing its length; the answer's status. */
function sendChunked(url: string, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: "POST" }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode);
    });
    outgoing.on("error", reject);
    for (let start = 0; start < body.length; start += 500) outgoing.write(body.slice(start, start + 500));
    outgoing.end();
  });
}

describe("queries", () => {
  it.each([
    ["select=run_id&select=status"],
    [`select=${encodeURIComponent('["run_id","status"]')}`],
    ["select=run_id,status"],
  ])("reads a list as %s", async (query) => {
    await using fixture = await startFixture();
    const thread = await (await fetch(`${fixture.url}/threads`, { method: "POST" })).json();
    const base = `${fixture.url}/threads/${(thread as { thread_id: string }).thread_id}/runs`;
    await post(base, '{"assistant_id":"agent"}');
    const [run] = (await (await fetch(`${base}?${query}`)).json()) as object[];
    expect(Object.keys(run!).sort()).toEqual(["run_id", "status"]);
  });

  it.each([
    ["wait=0", 202],
    ["wait=false", 202],
    ["wait=No", 202],
    ["wait=1", 204],
    ["wait=TRUE", 204],
    ["wait=maybe", 422],
    ["action=kill", 422],
  ])("reads %s", async (query, status) => {
    await using fixture = await startFixture();
    const run = (await (await post(`${fixture.url}/runs`, '{"assistant_id":"agent"}')).json()) as Record<
      string,
      string
    >;
    const path = `/threads/${run.thread_id}/runs/${run.run_id}/cancel?${query}`;
    expect((await post(fixture.url + path, "")).status).toBe(status);
  });

  it("refuses ids that are no UUIDs and pages out of range", async () => {
    await using fixture = await startFixture();
    for (const path of ["/threads/t1", `/threads/${UNKNOWN_ID}/runs/r1`, `/threads/${UNKNOWN_ID}/runs?limit=0`]) {
      expect((await fetch(fixture.url + path)).status).toBe(422);
    }
    expect((await fetch(`${fixture.url}/threads/${UNKNOWN_ID}/history?limit=5000`)).status).toBe(422);
    expect((await fetch(`${fixture.url}/assistants/a%00b`)).status).toBe(422);
  });
});

describe("methods", () => {
  it("answers HEAD like GET without a body, and does not follow a run for it", async () => {
    await using fixture = await startFixture();
    const response = await fetch(`${fixture.url}/ok`, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    const run = (await (await post(`${fixture.url}/runs`, '{"assistant_id":"agent"}')).json()) as { run_id: string };
    expect((await fetch(`${fixture.url}/runs/${run.run_id}/stream`, { method: "HEAD" })).status).toBe(200);
    expect(fixture.engine.followerCounts.get(run.run_id)).toBeUndefined();
  });

  it("names the methods of a path", async () => {
    await using fixture = await startFixture();
    const options = await fetch(`${fixture.url}/threads/${UNKNOWN_ID}`, { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, PATCH, DELETE, OPTIONS"]);
    const wrong = await fetch(`${fixture.url}/runs/wait`, { method: "PUT" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
  });
});

describe("CORS", () => {
  it("lets any origin in and exposes what clients need, without credentials for the question", async () => {
    await using fixture = await startFixture();
    fixture.auth.rule = () => {
      throw new Error("a preflight must not be authorised");
    };
    const response = await fetch(`${fixture.url}/threads`, {
      method: "OPTIONS",
      headers: {
        origin: "https://smith.langchain.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key,content-type",
        "access-control-request-private-network": "true",
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-headers")).toBe("x-api-key,content-type");
    expect(response.headers.get("access-control-allow-private-network")).toBe("true");
    for (const header of ["content-location", "location", "x-pagination-total", "x-pagination-next"]) {
      expect(response.headers.get("access-control-expose-headers")).toContain(header);
    }
  });

  it("keeps to the origins that are allowed, on errors and streams too", async () => {
    const cors = {
      allowOrigins: ["https://a.example"],
      allowOriginRegex: "https://.*\\.b\\.example",
      allowCredentials: true,
    };
    await using fixture = await startFixture({ settings: { cors } });
    const ask = (path: string, origin: string) => fetch(fixture.url + path, { headers: { origin } });
    for (const path of ["/ok", `/threads/${UNKNOWN_ID}`, `/runs/${UNKNOWN_ID}/stream`]) {
      const allowed = await ask(path, "https://x.b.example");
      expect(allowed.headers.get("access-control-allow-origin")).toBe("https://x.b.example");
      expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");
      await allowed.text();
      const refused = await ask(path, "https://b.example.evil.test");
      expect(refused.headers.get("access-control-allow-origin")).toBeNull();
      await refused.text();
    }
  });
});

describe("system routes", () => {
  it("answers health, info, metrics, the document and its page from itself", async () => {
    await using fixture = await startFixture();
    const text = async (path: string) => (await fetch(fixture.url + path)).text();
    expect(await text("/ok?check_db=1")).toBe('{"ok":true}');
    expect(JSON.parse(await text("/info"))).toMatchObject({ context: "js", flags: { assistants: true } });
    expect(await text("/metrics")).toContain("lg_api_http_requests_total");
    expect(Array.isArray(JSON.parse(await text("/metrics?format=json")))).toBe(true);
    const page = await text("/docs");
    for (const [, part] of page.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await fetch(`${fixture.url}/${part}`)).status).toBe(200);
    }
    expect(page + (await text("/docs/start.js"))).not.toMatch(/https?:\/\//);
    expect((await fetch(`${fixture.url}/docs/package.json`)).status).toBe(404);
    expect(await text("/")).toContain("Holdfast");
  });

  it("truncates only where that is switched on", async () => {
    await using closed = await startFixture();
    expect((await post(`${closed.url}/internal/truncate`, "{}")).status).toBe(404);
    const targets: unknown[] = [];
    await using open = await startFixture({ services: { truncate: async (target) => void targets.push(target) } });
    expect(await (await post(`${open.url}/internal/truncate`, '{"threads":true,"checkpoint":true}')).json()).toEqual({
      ok: true,
    });
    expect(targets).toEqual([{ runs: false, threads: true, assistants: false, store: false, checkpointer: true }]);
  });
});
