// What two tenants of one server must not be able to do to each other, whichever way they prove who they are: neither finds, reads or
// changes anything of the other's, through any operation, and cannot even tell that it exists.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Answer, send } from "../harness/plain-http.ts";
import type { TestServer } from "../harness/test-server.ts";
import { GUARDED_OPERATIONS, probe, type Targets } from "./probe.ts";

export const SECRET = "the-marker-of-ada";
/**
 * Operations that make something anew under an id of the caller's choice, or wait for it to be made: an id that is taken cannot be
 * given out, so that it is taken shows, and nothing else.
 */
const BY_CHOSEN_ID: Record<string, { status: number; text: RegExp }> = {
  "post /threads": { status: 409, text: /"detail"/ },
  "post /assistants": { status: 409, text: /"detail"/ },
  "post /threads/{thread_id}/commands": { status: 200, text: /"error":"invalid_argument"/ },
  "post /threads/{thread_id}/stream/events": { status: 404, text: /not found/ },
};

/** A server with the graphs `agent` and `steps`, two slots, and a way to be somebody. */
export interface Tenancy {
  server: TestServer;
  /** Headers of a request by that owner. */
  as(owner: string): Promise<Record<string, string>>;
}

let tenancy: Tenancy;
let ada: Record<string, string>;
let bob: Record<string, string>;
let targets: Targets;

const ask = (who: Record<string, string>, method: string, path: string, body?: unknown): Promise<Answer> =>
  send(method, `${tenancy.server.url}${path}`, body, who);

/** Everything ada has, read with her own key. */
async function readAll(): Promise<unknown[]> {
  const { thread_id, run_id, assistant_id, namespace } = targets;
  const reads = [
    ask(ada, "GET", `/threads/${thread_id}`),
    ask(ada, "GET", `/threads/${thread_id}/state`),
    ask(ada, "GET", `/threads/${thread_id}/runs`),
    ask(ada, "GET", `/threads/${thread_id}/runs/${run_id}`),
    ask(ada, "GET", `/assistants/${assistant_id}`),
    ask(ada, "POST", "/runs/crons/search", {}),
    ask(ada, "GET", `/store/items?namespace=${namespace}.notes&key=secret`),
  ];
  return (await Promise.all(reads)).map(({ status, json }) => [status, json]);
}

async function makeThings(): Promise<void> {
  ada = await tenancy.as("acme-inc");
  bob = await tenancy.as("bob");
  const { json: thread } = await ask(ada, "POST", "/threads", { metadata: { secret: SECRET } });
  const { json: assistant } = await ask(ada, "POST", "/assistants", { graph_id: "steps", name: SECRET });
  const path = `/threads/${thread.thread_id}`;
  const config = { configurable: { steps: 2, secret: SECRET } };
  await ask(ada, "POST", `${path}/runs/wait`, { assistant_id: assistant.assistant_id, input: {}, config });
  // One that is still going on: joining, cancelling and deleting it are to be tried.
  const slow = { configurable: { steps: 1, step_ms: 60_000, secret: SECRET } };
  const { json: run } = await ask(ada, "POST", `${path}/runs`, {
    assistant_id: assistant.assistant_id,
    input: {},
    config: slow,
  });
  const { json: state } = await ask(ada, "GET", `${path}/state`);
  await ask(ada, "PUT", "/store/items", { namespace: ["acme-inc", "notes"], key: "secret", value: { secret: SECRET } });
  const cron = {
    assistant_id: "steps",
    schedule: "0 0 1 1 *",
    input: { secret: SECRET },
    metadata: { secret: SECRET },
  };
  const { json: made } = await ask(ada, "POST", `${path}/runs/crons`, cron);
  targets = {
    thread_id: thread.thread_id,
    run_id: run.run_id,
    assistant_id: assistant.assistant_id,
    checkpoint_id: state.checkpoint.checkpoint_id,
    cron_id: made.cron_id,
    namespace: "acme-inc",
  };
  for (const id of Object.values(targets)) expect(id).toBeTruthy();
  await vi.waitFor(async () => {
    expect((await ask(ada, "GET", `${path}/runs/${run.run_id}`)).json.status).toBe("running");
  });
}

/** Declares the tests; inside of further ones `theTargets` are what the tenants fight over. */
export function describeTenants(given: Tenancy): void {
  tenancy = given;
  beforeAll(makeThings, 60_000);
  afterAll(() => ask(ada, "POST", "/runs/cancel", { status: "all" }));
  describe("another tenant", declareProbes);
  describe("another tenant, in other ways,", declareOtherWays);
}

export const theTargets = (): Targets => targets;

function declareProbes(): void {
  test.each(GUARDED_OPERATIONS)("%s: nothing readable, nothing changed, nothing given away", async (operation) => {
    const before = await readAll();
    const unknown: Targets = {
      thread_id: randomUUID(),
      run_id: randomUUID(),
      assistant_id: randomUUID(),
      checkpoint_id: randomUUID(),
      cron_id: randomUUID(),
      namespace: "nobody",
    };
    const foreign = await probe(tenancy.server.url, operation, targets, bob);
    expect(foreign.text).not.toContain(SECRET);
    expect(foreign.status).toBeLessThan(500);
    const chosen = BY_CHOSEN_ID[operation];
    if (chosen !== undefined) {
      expect(foreign.status).toBe(chosen.status);
      expect(foreign.text).toMatch(chosen.text);
    } else expect(foreign).toEqual(await probe(tenancy.server.url, operation, unknown, bob));
    expect(await readAll()).toEqual(before);
  });

  test.each(["state.get", "agent.getTree", "input.respond"])(
    "command %s says of it what it says of nothing",
    async (method) => {
      const params = { responses: [{ interrupt_id: "x", response: 1 }] };
      const command = async (threadId: string) => {
        const { text } = await ask(bob, "POST", `/threads/${threadId}/commands`, { id: 1, method, params });
        return text.replaceAll(threadId, "<thread>");
      };
      const foreign = await command(targets.thread_id);
      expect(foreign).not.toContain(SECRET);
      expect(foreign).toBe(await command(randomUUID()));
    },
  );

  test("a WebSocket to it is closed at once, as is one of nobody's", async () => {
    const dial = async (threadId: string, headers: Record<string, string>) => {
      const url = `${tenancy.server.url.replace("http", "ws")}/threads/${threadId}/stream/events`;
      const socket = new WebSocket(url, { headers });
      const [code] = (await once(socket, "close")) as [number];
      return code;
    };
    expect(await dial(targets.thread_id, bob)).toBe(4404);
    expect(await dial(targets.thread_id, {})).toBe(4401);
  });
}

function declareOtherWays(): void {
  test("searches and counts nothing of the other's", async () => {
    for (const path of [
      "/threads/search",
      "/assistants/search",
      "/runs/crons/search",
      "/store/items/search",
      "/store/namespaces",
    ]) {
      const { text } = await ask(bob, "POST", path, { limit: 1000 });
      expect(text, path).not.toContain(SECRET);
      expect(text, path).not.toContain("acme-inc");
    }
    expect((await ask(bob, "POST", "/threads/search", { metadata: { owner: "acme-inc" } })).json).toEqual([]);
    const seen = await ask(bob, "POST", "/threads/search", { limit: 1000 });
    expect((await ask(bob, "POST", "/threads/count", {})).json).toBe(seen.json.length);
    expect((await ask(ada, "POST", "/threads/search", { ids: [targets.thread_id] })).json).toHaveLength(1);
  });

  test("cannot give its things away, take the other's, or pass them off as the server's", async () => {
    const made = await ask(bob, "POST", "/threads", { metadata: { owner: "acme-inc" } });
    expect(made.json.metadata.owner).toBe("bob");
    const changed = await ask(bob, "PATCH", `/threads/${made.json.thread_id}`, {
      metadata: { owner: "acme-inc", a: 1 },
    });
    expect(changed.json.metadata).toMatchObject({ owner: "bob", a: 1 });
    const posing = { graph_id: "agent", metadata: { created_by: "system" } };
    const { json: assistant } = await ask(bob, "POST", "/assistants", posing);
    expect((await ask(ada, "GET", `/assistants/${assistant.assistant_id}`)).status).toBe(404);
    const copy = await ask(bob, "POST", `/threads/${made.json.thread_id}/copy`);
    expect(copy.json.metadata.owner).toBe("bob");
  });

  test("a stateless run and its stream belong to whoever started it", async () => {
    const body = {
      assistant_id: "steps",
      input: {},
      config: { configurable: { step_ms: 20_000 } },
      on_completion: "keep",
    };
    const { json: run } = await ask(ada, "POST", "/runs", body);
    const stream = (await ask(bob, "GET", `/runs/${run.run_id}/stream`)).text;
    const nothing = (await ask(bob, "GET", `/runs/${randomUUID()}/stream`)).text;
    expect(stream).toBe(nothing);
    expect((await ask(bob, "POST", "/runs/cancel", { run_ids: [run.run_id] })).status).toBe(404);
    expect((await ask(ada, "POST", "/runs/cancel", { run_ids: [run.run_id] })).status).toBe(204);
  });
}
