// The doors of the store: encodings, namespace rules, statuses, shapes, and what the authoriser is asked.
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Fixture, startFixture } from "../../http-app.fixture.ts";
import { createFakeStore, type FakeStore } from "./store.fixture.ts";

let fixture: Fixture;
let store: FakeStore;
beforeEach(async () => {
  store = createFakeStore();
  fixture = await startFixture({ services: { store } });
  onTestFinished(() => fixture[Symbol.asyncDispose]());
});

async function send(method: string, path: string, body?: unknown) {
  const response = await fetch(fixture.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: text === "" ? undefined : JSON.parse(text) };
}

const ITEM = { namespace: ["users", "a,b"], key: "k", value: { theme: "dark" } };

describe("items", () => {
  it("puts, gets in every encoding of the namespace, deletes; what is missing is null", async () => {
    expect(await send("PUT", "/store/items", ITEM)).toEqual({ status: 204, text: "", json: undefined });
    const encodings = [
      "namespace=users.a%2Cb",
      "namespace=users&namespace=a%2Cb",
      `namespace=${encodeURIComponent('["users","a,b"]')}`,
    ];
    for (const namespace of encodings) {
      const found = await send("GET", `/store/items?${namespace}&key=k`);
      expect([found.status, found.json]).toEqual([
        200,
        { ...ITEM, created_at: "2026-01-02T03:04:05.678Z", updated_at: "2026-01-02T03:04:05.678Z" },
      ]);
    }
    const { namespace, key } = ITEM;
    expect((await send("DELETE", "/store/items", { namespace, key })).status).toBe(204);
    expect(await send("GET", `/store/items?${encodings[0]}&key=k`)).toEqual({ status: 200, text: "null", json: null });
  });

  it.each([
    ["", undefined],
    ["&refresh_ttl=true", true],
    ["&refresh_ttl=0", false],
  ])("hands the wish to refresh on: %s", async (query, isTtlRefreshed) => {
    await send("GET", `/store/items?namespace=a&key=k${query}`);
    expect(store.calls).toEqual([
      ["getItem", ["a"], "k", isTtlRefreshed === undefined ? {} : { isTtlRefreshed }, undefined],
    ]);
  });

  it.each([
    [{ index: false }, { index: false }],
    [{ index: ["a.b", "c[*]"] }, { index: ["a.b", "c[*]"] }],
    [{ index: null, ttl: null }, { ttlMinutes: null }],
    [{ ttl: 0.5 }, { ttlMinutes: 0.5 }],
    [{}, {}],
  ])("hands index and ttl on: %j", async (given, expected) => {
    await send("PUT", "/store/items", { ...ITEM, ...given });
    expect(store.calls).toEqual([["putItem", { ...ITEM, ...expected }, undefined]]);
  });

  it.each([
    ["PUT", "/store/items", { ...ITEM, namespace: [] }, 400, "Namespace is required"],
    [
      "PUT",
      "/store/items",
      { ...ITEM, namespace: ["a.b", "c"] },
      422,
      "Namespace labels cannot be empty or contain periods. Received: a.b.c",
    ],
    ["PUT", "/store/items", { ...ITEM, namespace: [""] }, 422, "Namespace labels cannot be empty"],
    ["PUT", "/store/items", { ...ITEM, namespace: ["langgraph", "x"] }, 422, "Root label"],
    ["PUT", "/store/items", { ...ITEM, namespace: "users" }, 422, "body.namespace"],
    ["PUT", "/store/items", { ...ITEM, value: [1] }, 422, "body.value"],
    ["PUT", "/store/items", { ...ITEM, value: undefined }, 422, "body.value"],
    ["PUT", "/store/items", { ...ITEM, key: 7 }, 422, "body.key"],
    ["PUT", "/store/items", { ...ITEM, ttl: -1 }, 422, "body.ttl"],
    ["GET", "/store/items?key=k", undefined, 400, "Namespace is required"],
    ["GET", "/store/items?namespace=a..b&key=k", undefined, 422, "Received: a..b"],
    ["GET", "/store/items?namespace=a", undefined, 422, "query.key"],
    ["DELETE", "/store/items", { key: "k" }, 400, "Namespace is required"],
    ["DELETE", "/store/items", { namespace: ["a"] }, 422, "body.key"],
    ["DELETE", "/store/items", { namespace: ["."], key: "k" }, 422, "Namespace labels"],
    ["POST", "/store/items/search", { namespace_prefix: ["a."] }, 422, "Namespace labels"],
    ["POST", "/store/items/search", { namespace_prefix: [], limit: 0 }, 422, "body.limit"],
    ["POST", "/store/namespaces", { suffix: [""] }, 422, "Namespace labels"],
    ["POST", "/store/namespaces", { max_depth: 0 }, 422, "body.max_depth"],
  ])("%s %s %j is refused with %d", async (method, path, body, status, detail) => {
    const answer = await send(method, path, body);
    expect([answer.status, answer.json.detail]).toEqual([status, expect.stringContaining(detail)]);
    expect(store.calls).toEqual([]);
  });
});

describe("searches", () => {
  it("answers items in an object; a score only where a query ranked them", async () => {
    await send("PUT", "/store/items", ITEM);
    const plain = await send("POST", "/store/items/search", { namespace_prefix: [] });
    expect(plain.json.items).toEqual([expect.objectContaining(ITEM)]);
    expect(plain.json.items[0]).not.toHaveProperty("score");
    const ranked = await send("POST", "/store/items/search", { namespace_prefix: ["users"], query: "cats" });
    expect(ranked.json.items[0]).toMatchObject({ ...ITEM, score: 0.5 });
    const unranked = await send("POST", "/store/items/search", { namespace_prefix: ["users"], query: "dogs" });
    expect(unranked.json.items[0]).toMatchObject({ ...ITEM, score: null });
  });

  it("takes every option, and none", async () => {
    await send("POST", "/store/items/search", {
      namespace_prefix: ["a"],
      filter: { n: { $gt: 1 } },
      limit: 5,
      offset: 2,
      query: "cats",
      refresh_ttl: false,
    });
    await send("POST", "/store/items/search", { filter: null, query: null, refresh_ttl: null });
    expect(store.calls.map(([, query]) => query)).toEqual([
      { namespacePrefix: ["a"], filter: { n: { $gt: 1 } }, limit: 5, offset: 2, query: "cats", isTtlRefreshed: false },
      { namespacePrefix: [], limit: 10, offset: 0 },
    ]);
  });

  it("lists namespaces by prefix and suffix with wildcards", async () => {
    await send("PUT", "/store/items", ITEM);
    expect((await send("POST", "/store/namespaces", {})).json).toEqual({ namespaces: [ITEM.namespace] });
    await send("POST", "/store/namespaces", { prefix: ["a", "*"], suffix: ["z"], max_depth: 2, limit: 3, offset: 1 });
    expect(store.calls.slice(1).map(([, query]) => query)).toEqual([
      { conditions: [], limit: 100, offset: 0 },
      {
        conditions: [
          { side: "prefix", labels: ["a", "*"] },
          { side: "suffix", labels: ["z"] },
        ],
        depthMax: 2,
        limit: 3,
        offset: 1,
      },
    ]);
  });
});

it("asks the authoriser, and what it changed and allows is what counts", async () => {
  const rule = { equals: { key: "owner", value: "u1" } };
  fixture.auth.rule = ({ value }) => {
    value.namespace = ["u.1", ...((value.namespace as string[] | null | undefined) ?? [])];
    return rule;
  };
  await send("PUT", "/store/items", ITEM);
  await send("GET", "/store/items?namespace=n&key=k");
  await send("DELETE", "/store/items", { namespace: ["n"], key: "k" });
  await send("POST", "/store/items/search", { namespace_prefix: ["n"] });
  await send("POST", "/store/namespaces", {});
  expect(fixture.checks.map(({ resource, action }) => `${resource}:${action}`)).toEqual([
    "store:put",
    "store:get",
    "store:delete",
    "store:search",
    "store:list_namespaces",
  ]);
  expect(fixture.checks[0]!.value).toEqual(ITEM);
  expect(store.calls).toEqual([
    ["putItem", { ...ITEM, namespace: ["u.1", ...ITEM.namespace] }, rule],
    ["getItem", ["u.1", "n"], "k", {}, rule],
    ["deleteItem", ["u.1", "n"], "k", rule],
    ["searchItems", { namespacePrefix: ["u.1", "n"], limit: 10, offset: 0 }, rule],
    ["listNamespaces", { conditions: [{ side: "prefix", labels: ["u.1"] }], limit: 100, offset: 0 }, rule],
  ]);
});
