// The doors of crons: bodies, statuses, shapes, what an update moves, and what the authoriser is asked.
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { systemAssistantId } from "../../../../domain/ids.ts";
import { type Fixture, makeThread, startFixture, UNKNOWN_ID } from "../../../http-app.fixture.ts";

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
  onTestFinished(() => fixture[Symbol.asyncDispose]());
});

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(fixture.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === "" ? undefined : JSON.parse(text) };
}

const CRON = { assistant_id: "agent", schedule: "0 9 * * *", timezone: "Europe/Berlin" };

/** What the repository keeps, beyond what is shown. */
const stored = async (cronId: string) => (await fixture.services.crons.findCron(cronId))!;

describe("creating", () => {
  it("answers the cron with its next tick and everything its runs are asked to do", async () => {
    const run = {
      input: { n: 1 },
      config: { configurable: { user_id: "u1", langgraph_auth_user_id: "forged" } },
      metadata: { kind: "report" },
      webhook: "https://example.test/hook",
      stream_mode: ["values", "updates"],
      interrupt_before: ["x"],
      durability: "sync",
      multitask_strategy: "interrupt",
    };
    const { status, json } = await send("POST", "/runs/crons", { ...CRON, ...run, end_time: "2099-01-01T00:00:00" });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      cron_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      assistant_id: systemAssistantId("agent"),
      thread_id: null,
      on_run_completed: "delete",
      schedule: "0 9 * * *",
      timezone: "Europe/Berlin",
      end_time: "2099-01-01T00:00:00.000Z",
      user_id: null,
      metadata: { kind: "report" },
      enabled: true,
      payload: { assistant_id: "agent", ...run, config: { configurable: { user_id: "u1" } } },
    });
    expect(Date.parse(json.next_run_date)).toBeGreaterThan(Date.now());
    expect((await stored(json.cron_id)).runRequest).toEqual({
      assistantId: "agent",
      input: { n: 1 },
      config: { configurable: { user_id: "u1" } },
      webhook: "https://example.test/hook",
      streamMode: ["values", "updates"],
      interruptBefore: ["x"],
      durability: "sync",
      multitaskStrategy: "interrupt",
    });
  });

  it("on a thread that exists", async () => {
    const thread = makeThread();
    fixture.threads.set(thread.threadId, thread);
    const created = await send("POST", `/threads/${thread.threadId}/runs/crons`, { ...CRON, enabled: false });
    expect(created.json).toMatchObject({ thread_id: thread.threadId, enabled: false });
    expect((await send("POST", `/threads/${UNKNOWN_ID}/runs/crons`, CRON)).status).toBe(404);
  });

  it.each([
    [{ schedule: "* * * *" }, 422, "schedule: "],
    [{ schedule: "0 0 31 2 *" }, 422, "never ticks"],
    [{ schedule: undefined }, 422, "body.schedule"],
    [{ timezone: "Mars/Olympus" }, 422, "timezone: "],
    [{ end_time: "tomorrow" }, 422, "body.end_time"],
    [{ assistant_id: undefined }, 422, "body.assistant_id"],
    [{ assistant_id: "nobody" }, 404, 'No assistant found for "nobody"'],
    [{ on_run_completed: "burn" }, 422, "body.on_run_completed"],
    [{ webhook: "ftp://x" }, 422, "body.webhook"],
  ])("%j is refused with %d", async (change, status, detail) => {
    const answer = await send("POST", "/runs/crons", { ...CRON, ...change });
    expect([answer.status, answer.json.detail]).toEqual([status, expect.stringContaining(detail)]);
    expect((await send("POST", "/runs/crons/count", {})).json).toBe(0);
  });
});

describe("updating", () => {
  it("merges metadata, replaces the rest, and moves the next tick only with what it follows from", async () => {
    const { json: cron } = await send("POST", "/runs/crons", { ...CRON, input: { n: 1 }, metadata: { a: 1, b: 1 } });
    const path = `/runs/crons/${cron.cron_id}`;
    // A tick that is due this moment must not be lost to an update of something else.
    const due = new Date(Date.now() - 1_000);
    await fixture.services.crons.updateCron(cron.cron_id, (found) => ({ ...found, nextRunAt: due }));
    const changed = (await send("PATCH", path, { input: { n: 2 }, metadata: { b: 2 }, schedule: CRON.schedule })).json;
    expect(changed).toMatchObject({
      metadata: { a: 1, b: 2 },
      payload: { input: { n: 2 }, metadata: { a: 1, b: 2 } },
      next_run_date: due.toISOString(),
    });
    expect((await stored(cron.cron_id)).runRequest).toMatchObject({ input: { n: 2 } });
    const moved = (await send("PATCH", path, { schedule: "30 4 1 1 *", timezone: null })).json;
    expect(moved.next_run_date).toMatch(/-01-01T04:30:00.000Z$/);
    const ended = (await send("PATCH", path, { end_time: "2001-01-01T00:00:00Z" })).json;
    expect(ended).toMatchObject({ end_time: "2001-01-01T00:00:00.000Z", next_run_date: null });
    const endless = (await send("PATCH", path, { end_time: null })).json;
    expect(endless).toMatchObject({ end_time: null, next_run_date: moved.next_run_date });
  });

  it("a cron that is switched on again does not catch up", async () => {
    const { json: cron } = await send("POST", "/runs/crons", { ...CRON, enabled: false });
    const missed = new Date("2020-01-01T00:00:00Z");
    await fixture.services.crons.updateCron(cron.cron_id, (found) => ({ ...found, nextRunAt: missed }));
    const { json } = await send("PATCH", `/runs/crons/${cron.cron_id}`, { enabled: true });
    expect(json.enabled).toBe(true);
    expect(Date.parse(json.next_run_date)).toBeGreaterThan(Date.now());
  });

  it.each([
    [{ schedule: "x" }, 422],
    [{ timezone: "x" }, 422],
    [{ webhook: 7 }, 422],
  ])("%j is refused", async (change, status) => {
    const { json: cron } = await send("POST", "/runs/crons", CRON);
    expect((await send("PATCH", `/runs/crons/${cron.cron_id}`, change)).status).toBe(status);
  });
});

it("gets, lists, counts and deletes; what is not there is 404", async () => {
  const { json: cron } = await send("POST", "/runs/crons", CRON);
  expect((await send("GET", `/runs/crons/${cron.cron_id}`)).json).toEqual(cron);
  const found = await send("POST", "/runs/crons/search", { select: ["cron_id", "enabled"] });
  expect([found.json, found.headers.get("x-pagination-total")]).toEqual([
    [{ cron_id: cron.cron_id, enabled: true }],
    "1",
  ]);
  expect((await send("POST", "/runs/crons/count", { assistant_id: "agent" })).json).toBe(1);
  expect((await send("POST", "/runs/crons/search", { assistant_id: "nobody" })).status).toBe(422);
  expect((await send("DELETE", `/runs/crons/${cron.cron_id}`)).status).toBe(204);
  for (const method of ["GET", "DELETE", "PATCH"]) {
    const answer = await send(method, `/runs/crons/${cron.cron_id}`, method === "PATCH" ? {} : undefined);
    expect([answer.status, answer.json.detail]).toEqual([404, "Cron not found"]);
  }
});

it("asks the authoriser for the cron and for its runs, and keeps who created it", async () => {
  fixture.auth.principal = {
    identity: "u1",
    displayName: "U",
    permissions: [],
    isAuthenticated: true,
    details: { role: "x" },
  };
  fixture.auth.rule = ({ resource, action, value }) => {
    if (resource === "crons" && action === "create") (value.metadata as Record<string, unknown>).owner = "u1";
    return undefined;
  };
  const { json: cron } = await send("POST", "/runs/crons", { ...CRON, metadata: { kind: "x" } });
  expect(cron).toMatchObject({ user_id: "u1", metadata: { kind: "x", owner: "u1" } });
  expect(JSON.stringify(cron)).not.toContain("langgraph_auth");
  expect((await stored(cron.cron_id)).runRequest).toMatchObject({
    trustedConfigurable: { langgraph_auth_user_id: "u1", langgraph_auth_user: { identity: "u1", role: "x" } },
  });
  await send("GET", `/runs/crons/${cron.cron_id}`);
  await send("PATCH", `/runs/crons/${cron.cron_id}`, { enabled: false });
  await send("POST", "/runs/crons/search", {});
  await send("POST", "/runs/crons/count", {});
  await send("DELETE", `/runs/crons/${cron.cron_id}`);
  expect(fixture.checks.map(({ resource, action }) => `${resource}:${action}`)).toEqual([
    "crons:create",
    "threads:create_run",
    "crons:read",
    "crons:update",
    "crons:search",
    "crons:search",
    "crons:delete",
  ]);
});
