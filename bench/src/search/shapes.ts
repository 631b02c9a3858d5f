// What is asked of the list, search and count endpoints: the requests that clients make, and those that are hard to answer quickly.
import { createHash } from "node:crypto";
import { LARGE_TENANT, SMALL_TENANT } from "./seed.ts";

export interface Shape {
  /** Endpoints of a kind stand together in tables and charts. */
  group: "threads" | "threads of an owner" | "counts" | "runs, crons, assistants" | "store";
  name: string;
  method: "GET" | "POST";
  path: string;
  body?: unknown;
  /** Whose key asks. @default an administrator's, which sees everything */
  owner?: string;
}

/** What a list on a page needs. */
const SLIM = { select: ["thread_id", "status", "metadata", "created_at", "updated_at"] };

const uuid = (text: string) =>
  createHash("md5")
    .update(text)
    .digest("hex")
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
const THREAD = uuid("thread777");
const ASSISTANT = uuid("assistant0");

const search = (name: string, body: object): Shape => ({
  group: "threads",
  name,
  method: "POST",
  path: "/threads/search",
  body,
});
const count = (name: string, body: object): Shape => ({
  group: "counts",
  name: `count ${name}`,
  method: "POST",
  path: "/threads/count",
  body,
});
const owned = (owner: string, name: string, body: object, path = "/threads/search"): Shape => ({
  group: "threads of an owner",
  name: `${owner === LARGE_TENANT ? "20 %" : "0.5 %"}: ${name}`,
  method: "POST",
  path,
  body,
  owner,
});
const other = (name: string, method: Shape["method"], path: string, body?: object): Shape => ({
  group: "runs, crons, assistants",
  name,
  method,
  path,
  body,
});
const store = (name: string, path: string, body: object): Shape => ({
  group: "store",
  name,
  method: "POST",
  path,
  body,
});

const PRO = { plan: "pro" };
const REGION = { region: "region 7" };
const TOPIC = { topic: "topic 7" };

/** @param threads how many there are, for pages far from the beginning */
export function listShapes(threads: number): Shape[] {
  return [
    search("no filter", {}),
    search("page of 100, no values", { limit: 100, ...SLIM }),
    search("page of 1,000, no values", { limit: 1000, ...SLIM }),
    search("the middle page", { offset: Math.floor(threads / 2), ...SLIM }),
    search("the last page", { offset: threads - 10, ...SLIM }),
    ...["updated_at", "state_updated_at", "status", "thread_id"].map((key) => search(`by ${key}`, { sort_by: key })),
    search("status, 1 %", { status: "interrupted" }),
    search("status, 98 %", { status: "idle" }),
    search("graph_id, 10 %", { metadata: { graph_id: "steps" } }),
    search("graph_id, 90 %", { metadata: { graph_id: "conversation" } }),
    search("graph_id and status", { metadata: { graph_id: "conversation" }, status: "idle" }),
    search("graph_id and assistant_id", { metadata: { graph_id: "conversation", assistant_id: ASSISTANT } }),
    search("metadata, one", { metadata: { customer: "customer 777" } }),
    search("metadata, 2 %", { metadata: REGION }),
    search("metadata, 20 %", { metadata: PRO }),
    search("metadata, 80 %", { metadata: { plan: "free" } }),
    search("metadata, 20 %, by updated_at", { metadata: PRO, sort_by: "updated_at" }),
    search("metadata, 20 %, oldest first", { metadata: PRO, sort_order: "asc" }),
    search("metadata, 20 %, and status", { metadata: PRO, status: "idle" }),
    search("metadata, 20 %, and graph_id", { metadata: { ...PRO, graph_id: "conversation" } }),
    search("two metadata, 20 % and 2 %", { metadata: { ...PRO, ...REGION } }),
    search("metadata, a list's element, 5 %", { metadata: { tags: ["tag 7"] } }),
    search("values, 1 %", { values: TOPIC }),
    search("values, 20 %", { values: { language: "de" } }),
    search("values and metadata", { values: TOPIC, metadata: PRO }),
    search("ids, 50", { ids: Array.from({ length: 50 }, (_, index) => uuid(`thread${index * 7 + 1}`)) }),
    owned(SMALL_TENANT, "no filter", {}),
    owned(SMALL_TENANT, "status", { status: "idle" }),
    owned(SMALL_TENANT, "values", { values: TOPIC }),
    owned(SMALL_TENANT, "count", {}, "/threads/count"),
    owned(LARGE_TENANT, "no filter", {}),
    owned(LARGE_TENANT, "by updated_at", { sort_by: "updated_at" }),
    owned(LARGE_TENANT, "status", { status: "idle" }),
    owned(LARGE_TENANT, "metadata, 2 %", { metadata: REGION }),
    owned(LARGE_TENANT, "values, 1 %", { values: TOPIC }),
    owned(LARGE_TENANT, "count", {}, "/threads/count"),
    count("all", {}),
    count("by status", { status: "idle" }),
    count("by graph_id", { metadata: { graph_id: "conversation" } }),
    count("by metadata, 20 %", { metadata: PRO }),
    count("by metadata, 80 %", { metadata: { plan: "free" } }),
    count("by values, 1 %", { values: TOPIC }),
    ...otherShapes(),
  ];
}

function otherShapes(): Shape[] {
  return [
    other("runs of a thread", "GET", `/threads/${THREAD}/runs`),
    other("runs of a thread by status", "GET", `/threads/${THREAD}/runs?status=success&limit=100`),
    other("search assistants", "POST", "/assistants/search", {}),
    other("search assistants by graph", "POST", "/assistants/search", { graph_id: "steps", sort_by: "name" }),
    other("search assistants by name", "POST", "/assistants/search", { name: "17" }),
    other("search assistants by metadata", "POST", "/assistants/search", { metadata: { team: "team 7" } }),
    other("count assistants", "POST", "/assistants/count", {}),
    other("search crons", "POST", "/runs/crons/search", {}),
    other("search crons by next run", "POST", "/runs/crons/search", { sort_by: "next_run_date", limit: 100 }),
    other("search crons of an assistant", "POST", "/runs/crons/search", { assistant_id: ASSISTANT }),
    other("search crons by metadata", "POST", "/runs/crons/search", { metadata: { kind: "kind 7" } }),
    other("count crons", "POST", "/runs/crons/count", {}),
    store("a user's items", "/store/items/search", { namespace_prefix: [SMALL_TENANT, "user 3"] }),
    store("a tenant's items by filter", "/store/items/search", {
      namespace_prefix: [LARGE_TENANT],
      filter: { kind: "preference" },
    }),
    store("all items, newest", "/store/items/search", { namespace_prefix: [] }),
    store("all items by filter, 10 %", "/store/items/search", { namespace_prefix: [], filter: { kind: "preference" } }),
    store("namespaces", "/store/namespaces", { limit: 100 }),
    store("namespaces of a tenant", "/store/namespaces", { prefix: [LARGE_TENANT], max_depth: 2 }),
  ];
}
