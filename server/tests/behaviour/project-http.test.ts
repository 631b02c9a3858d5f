// `http.*` of the project file on a whole server: own routes, CORS, groups switched off, headers for graphs, a prefix, and truncation.
import { Client } from "@langchain/langgraph-sdk";
import { describe, expect, test } from "vitest";
import type { ProjectFileContent } from "../../src/config/project-file-schema.ts";
import { send } from "../harness/plain-http.ts";
import { startTestServer, type TestServer } from "../harness/test-server.ts";

const start = (
  http: NonNullable<ProjectFileContent["http"]>,
  more: Partial<ProjectFileContent> = {},
  env: Record<string, string> = {},
): Promise<TestServer> => startTestServer({ graphs: ["steps"], content: { http, ...more }, env });

const STUDIO = "https://smith.langchain.com";

describe("the project's own routes", () => {
  test("win over the server's, share its middleware, and their failures give nothing away", async () => {
    await using server = await start({ app: "./http.ts:app" });
    const hello = await send("GET", `${server.url}/hello/ada`, undefined, { origin: STUDIO });
    expect([hello.status, hello.json]).toEqual([200, { hello: "ada" }]);
    expect(hello.headers.get("x-request-id")).toBeTruthy();
    expect(hello.headers.get("access-control-allow-origin")).toBe("*");
    expect((await send("GET", `${server.url}/info`)).json).toEqual({ own: true });
    expect((await send("POST", `${server.url}/echo`, { a: 1 })).json).toEqual({ a: 1 });
    const broken = await send("GET", `${server.url}/broken`);
    expect(broken.status).toBe(500);
    expect(broken.text).not.toContain("secret");
    const thread = await send("POST", `${server.url}/threads`, {});
    expect([thread.status, thread.headers.get("x-project")]).toEqual([200, "was here"]);
    const run = { assistant_id: "steps", input: {} };
    const streamed = await send("POST", `${server.url}/threads/${thread.json.thread_id}/runs/stream`, run);
    expect(streamed.text).toContain("event: values");
    expect((await send("GET", `${server.url}/nowhere`)).status).toBe(404);
  });

  test("ask who is there only where that is switched on, the server's operations always", async () => {
    const auth = { path: "./auth.ts:auth" };
    const ada = { authorization: "Bearer ada" };
    await using free = await start({ app: "./http.ts:app" }, { auth });
    expect((await send("GET", `${free.url}/hello/x`)).status).toBe(200);
    expect((await send("POST", `${free.url}/threads`, {})).status).toBe(401);
    await using guarded = await start({ app: "./http.ts:app", enable_custom_route_auth: true }, { auth });
    expect((await send("GET", `${guarded.url}/hello/x`)).status).toBe(401);
    expect((await send("GET", `${guarded.url}/hello/x`, undefined, ada)).json).toEqual({ hello: "x", to: "ada" });
    expect((await send("GET", `${guarded.url}/info`)).status).toBe(401);
    expect((await send("POST", `${guarded.url}/threads`, {}, ada)).status).toBe(200);
    expect((await send("GET", `${guarded.url}/ok`)).status).toBe(200);
  });

  test("come after authentication with auth_first", async () => {
    const auth = { path: "./auth.ts:auth" };
    await using after = await start({ app: "./http.ts:app", middleware_order: "auth_first" }, { auth });
    const refused = await send("POST", `${after.url}/threads`, {});
    expect([refused.status, refused.headers.get("x-project")]).toEqual([401, null]);
    await using before = await start({ app: "./http.ts:app" }, { auth });
    expect((await send("POST", `${before.url}/threads`, {})).headers.get("x-project")).toBe("was here");
    expect((await send("GET", `${after.url}/hello/x`)).status).toBe(200);
  });

  test("must be a Hono app", async () => {
    await expect(start({ app: "./auth.ts:auth" })).rejects.toThrow("must be a Hono app");
  });
});

test("CORS is as the project says; Studio gets in by default, from a public page into a private network too", async () => {
  const preflight = {
    origin: STUDIO,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-auth-scheme,x-api-key",
  };
  await using open = await start({});
  const answer = await send("OPTIONS", `${open.url}/assistants/search`, undefined, {
    ...preflight,
    "access-control-request-private-network": "true",
  });
  expect(answer.status).toBe(204);
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  expect(answer.headers.get("access-control-allow-headers")).toContain("x-auth-scheme");
  expect(answer.headers.get("access-control-allow-private-network")).toBe("true");
  await using own = await start({
    cors: { allow_origins: ["https://app.example"], allow_credentials: true, expose_headers: ["x-own"], max_age: 60 },
  });
  expect(
    (await send("OPTIONS", `${own.url}/threads`, undefined, preflight)).headers.get("access-control-allow-origin"),
  ).toBeNull();
  const allowed = await send("GET", `${own.url}/ok`, undefined, { origin: "https://app.example" });
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(allowed.headers.get("access-control-allow-credentials")).toBe("true");
  expect(allowed.headers.get("access-control-expose-headers")).toMatch(/x-own/);
});

test("groups that are switched off are not there", async () => {
  const statuses = async (server: TestServer) =>
    Object.fromEntries(
      await Promise.all(
        [
          "POST /assistants/search",
          "POST /threads/search",
          "POST /runs",
          "POST /store/items/search",
          "GET /info",
          "GET /ok",
        ].map(async (operation) => {
          const [method, path] = operation.split(" ") as [string, string];
          return [
            path,
            (await send(method, `${server.url}${path}`, method === "POST" ? {} : undefined)).status,
          ] as const;
        }),
      ),
    );
  await using all = await start({
    disable_assistants: true,
    disable_threads: true,
    disable_runs: true,
    disable_store: true,
    disable_meta: true,
  });
  expect(await statuses(all)).toEqual({
    "/assistants/search": 404,
    "/threads/search": 404,
    "/runs": 404,
    "/store/items/search": 404,
    "/info": 404,
    "/ok": 200,
  });
  expect((await send("GET", `${all.url}/openapi.json`)).status).toBe(404);
  await using one = await start({ disable_store: true });
  expect(await statuses(one)).toMatchObject({
    "/threads/search": 200,
    "/runs": 422,
    "/store/items/search": 404,
    "/info": 200,
  });
});

describe("request headers in a run's configuration", () => {
  const headers = {
    "x-user-tier": "gold",
    "x-api-key": "secret",
    "x-tenant-id": "t",
    "x-service-key": "s",
    authorization: "Bearer secret",
    cookie: "secret",
    "user-agent": "tests",
    "my-team": "blue",
  };

  async function configurableWith(http: NonNullable<ProjectFileContent["http"]>): Promise<Record<string, unknown>> {
    await using server = await start(http);
    const body = { assistant_id: "steps", input: {}, config: { configurable: { "x-user-tier": "claimed" } } };
    const { json: thread } = await send("POST", `${server.url}/threads`, {});
    const path = `${server.url}/threads/${thread.thread_id}`;
    const { json: run } = await send("POST", `${path}/runs`, body, headers);
    await send("GET", `${path}/runs/${run.run_id}/join`);
    const kept = (await send("GET", path)).json.config.configurable ?? {};
    expect(kept["my-team"]).toBeUndefined();
    return run.kwargs.config.configurable;
  }

  test("are those that begin with x-, without the credentials among them, and win over the body", async () => {
    const configurable = await configurableWith({});
    expect(configurable["x-user-tier"]).toBe("gold");
    expect(JSON.stringify(configurable)).not.toContain("secret");
    for (const name of ["x-tenant-id", "x-service-key", "user-agent", "my-team"])
      expect(configurable).not.toHaveProperty(name);
  });

  test("are those the project includes and does not exclude; a pattern never takes credentials", async () => {
    const configurable = await configurableWith({ configurable_headers: { includes: ["*"], excludes: ["x-user-*"] } });
    expect(configurable).toMatchObject({ "my-team": "blue", "user-agent": "tests", "x-user-tier": "claimed" });
    expect(JSON.stringify(configurable)).not.toContain("secret");
    const named = await configurableWith({ configurable_headers: { includes: ["Authorization", "x-api-key"] } });
    expect(named.authorization).toBe("Bearer secret");
    expect(named).not.toHaveProperty("x-api-key");
  });
});

test("the API answers below its prefix, and says paths without it", async () => {
  await using server = await start({ mount_prefix: "/agents/" });
  const client = new Client({ apiUrl: `${server.url}/agents`, callerOptions: { maxRetries: 0 } });
  const thread = await client.threads.create();
  const { headers } = await send("POST", `${server.url}/agents/threads/${thread.thread_id}/runs`, {
    assistant_id: "steps",
    input: {},
  });
  expect(headers.get("content-location")).toMatch(/^\/threads\//);
  expect((await send("GET", `${server.url}/ok`)).status).toBe(200);
  expect((await send("GET", `${server.url}/agentsx/ok`)).status).toBe(404);
});

test("truncation is there only where it is allowed", async () => {
  await using closed = await start({});
  expect((await send("POST", `${closed.url}/internal/truncate`, { threads: true })).status).toBe(404);
  await using server = await start({}, {}, { HOLDFAST_ALLOW_TRUNCATE: "1" });
  await send("POST", `${server.url}/threads`, {});
  expect((await send("POST", `${server.url}/internal/truncate`, { threads: true })).json).toEqual({ ok: true });
  expect((await send("POST", `${server.url}/threads/count`, {})).json).toBe(0);
});
