// Tenants with API keys of the server's own, and what a key lets its holder do.
import { describe, expect, test } from "vitest";
import { hashApiKey, mintApiKey } from "../../src/auth/api-key.ts";
import { PostgresApiKeyRepository } from "../../src/postgres/api-key-repository.ts";
import { type Answer, send } from "../harness/plain-http.ts";
import { useServer } from "../harness/sdk-test.ts";
import { GUARDED_OPERATIONS, probe } from "./probe.ts";
import { describeTenants, SECRET, theTargets } from "./tenant-contract.ts";

const server = useServer({ graphs: ["agent", "steps"], env: { HOLDFAST_API_KEYS: "1", HOLDFAST_SLOTS: "2" } });

async function makeKey(owner: string, scopes = ["*"]): Promise<Record<string, string>> {
  const key = mintApiKey();
  const keys = new PostgresApiKeyRepository(server.database.pool);
  await keys.createApiKey({ name: `${owner}'s`, owner, scopes, hash: hashApiKey(key) });
  return { "x-api-key": key };
}

const ask = (who: Record<string, string>, method: string, path: string, body?: unknown): Promise<Answer> =>
  send(method, `${server.url}${path}`, body, who);

describeTenants({ server, as: makeKey });

describe("keys", () => {
  test("are asked for on every operation but the open ones", async () => {
    for (const operation of GUARDED_OPERATIONS) {
      const answer = await probe(server.url, operation, theTargets(), {});
      expect(answer.status, operation).toBe(401);
    }
    for (const path of ["/ok", "/info", "/metrics", "/docs", "/openapi.json"]) {
      expect((await ask({}, "GET", path)).status, path).toBe(200);
    }
    const preflight = { origin: "https://smith.langchain.com", "access-control-request-method": "POST" };
    expect((await ask(preflight, "OPTIONS", "/threads")).status).toBe(204);
    const refused = await ask({}, "GET", `/threads/${theTargets().thread_id}`);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
  });

  test("count as bearer tokens, and no longer once revoked", async () => {
    const { "x-api-key": key } = await makeKey("carol");
    const bearer = { authorization: `Bearer ${key}` };
    expect((await ask(bearer, "POST", "/threads", {})).json.metadata.owner).toBe("carol");
    const keys = new PostgresApiKeyRepository(server.database.pool);
    const [found] = (await keys.listApiKeys()).filter(({ owner }) => owner === "carol");
    expect(found!.lastUsedAt).toBeInstanceOf(Date);
    expect(JSON.stringify(found)).not.toContain(key);
    expect([await keys.revokeApiKey(found!.keyId), await keys.revokeApiKey(found!.keyId)]).toEqual([true, false]);
    expect((await ask(bearer, "POST", "/threads", {})).status).toBe(401);
    expect((await ask({ "x-api-key": `hf_${"x".repeat(43)}` }, "POST", "/threads", {})).status).toBe(401);
  });

  test("do no more than their scopes, and an administrator's see everything", async () => {
    const reader = await makeKey("acme-inc", ["threads:read", "threads:search"]);
    expect((await ask(reader, "GET", `/threads/${theTargets().thread_id}`)).status).toBe(200);
    expect((await ask(reader, "POST", "/threads", {})).status).toBe(403);
    expect((await ask(reader, "POST", "/store/items/search", {})).status).toBe(403);
    const admin = await makeKey("root", ["admin"]);
    expect((await ask(admin, "GET", `/threads/${theTargets().thread_id}`)).status).toBe(200);
    expect((await ask(admin, "GET", "/store/items?namespace=acme-inc.notes&key=secret")).json.value.secret).toBe(
      SECRET,
    );
  });

  test("that may only read change nothing, through any operation", async () => {
    const scopes = ["assistants", "threads", "crons", "store"].flatMap((each) =>
      ["read", "search", "get", "list_namespaces"].map((action) => `${each}:${action}`),
    );
    const reader = await makeKey("acme-inc", scopes);
    const dump = async () => {
      const { rows } = await server.database.pool.query<{ text: string }>(
        `select (select coalesce(jsonb_agg(to_jsonb(t) - 'updated_at' order by thread_id), '[]') from thread t)::text
           || (select coalesce(jsonb_agg(to_jsonb(a) order by assistant_id), '[]') from assistant a)::text
           || (select coalesce(jsonb_agg(to_jsonb(c) order by cron_id), '[]') from cron c)::text
           || (select coalesce(jsonb_agg(to_jsonb(i) order by key), '[]') from store_item i)::text
           || (select coalesce(jsonb_agg(jsonb_build_array(run_id, status, cancel_action) order by run_id), '[]') from run)::text
           || (select count(*) from checkpoint)::text as text`,
      );
      return rows[0]!.text;
    };
    // Whoever may read may follow what goes on: with nothing going on, only streams of threads stay open.
    const owner = await makeKey("acme-inc");
    await ask(owner, "POST", "/runs/cancel", { status: "all" });
    const path = `/threads/${theTargets().thread_id}`;
    await expect.poll(async () => (await ask(owner, "GET", path)).json.status, { timeout: 10_000 }).not.toBe("busy");
    const before = await dump();
    let refusedCount = 0;
    let readCount = 0;
    for (const operation of GUARDED_OPERATIONS.filter((each) => !/threads\/\{thread_id\}\/stream/.test(each))) {
      const { status } = await probe(server.url, operation, theTargets(), reader);
      if (status === 403) refusedCount++;
      if (status === 200) readCount++;
      expect(await dump(), operation).toBe(before);
    }
    expect(refusedCount).toBeGreaterThan(15);
    expect(readCount).toBeGreaterThan(15);
  }, 60_000);
});
