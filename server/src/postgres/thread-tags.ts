// Plain entries of a thread's metadata and values as tags: which filters are made of them alone, and how an index answers those.
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter, AccessRule } from "../domain/page.ts";
import { THREAD_STATUSES, type ThreadStatus } from "../domain/thread.ts";
import type { Parameters } from "./statement.ts";
import { IS_VISIBLE_THREAD } from "./thread-row.ts";

/** One entry that a thread must have, in its metadata (`m`) or its values (`v`). */
export interface ThreadTag {
  kind: "m" | "v";
  key: string;
  value: string | number | boolean | null;
}

/** The database leaves longer ones without a tag (`thread_tag_of`); both lengths are of JSON, in characters. */
const KEY_LENGTH_MAX = 100;
const VALUE_LENGTH_MAX = 202;
/** Numbers between these have a tag, whatever their digits. */
const NUMBER_MIN = 1e-6;
const NUMBER_MAX = 1e21;

/** The tags that together mean the same as containing `document`; `undefined` where containment asks for more. */
export function tagsOfDocument(kind: ThreadTag["kind"], document: JsonObject): ThreadTag[] | undefined {
  const entries = Object.entries(document).filter(([, value]) => value !== undefined);
  const tags = entries.map(([key, value]) => tagOf(kind, key, value));
  return tags.every((tag) => tag !== undefined) ? tags : undefined;
}

/** The tags that together mean the same as the rule; `undefined` for rules with `or`, lists or objects. */
export function tagsOfAccess(access: AccessFilter): ThreadTag[] | undefined {
  return access === undefined ? [] : tagsOfRule(access);
}

function tagsOfRule(rule: AccessRule): ThreadTag[] | undefined {
  if ("and" in rule) {
    const parts = rule.and.map(tagsOfRule);
    return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
  }
  if (!("equals" in rule)) return undefined;
  const tag = tagOf("m", rule.equals.key, rule.equals.value);
  return tag && [tag];
}

function tagOf(kind: ThreadTag["kind"], key: string, value: unknown): ThreadTag | undefined {
  if (key.length > KEY_LENGTH_MAX || !isPlain(value)) return undefined;
  return { kind, key, value };
}

function isPlain(value: unknown): value is ThreadTag["value"] {
  if (value === null || typeof value === "boolean") return true;
  if (typeof value === "string") return JSON.stringify(value).length <= VALUE_LENGTH_MAX;
  if (typeof value !== "number") return false;
  return value === 0 || (Math.abs(value) >= NUMBER_MIN && Math.abs(value) < NUMBER_MAX);
}

/** What decides a search by tags: every thread that has them all, of one status or of any. */
export interface TagSearch {
  tags: ThreadTag[];
  status: ThreadStatus | undefined;
  /** The same conditions on the row of a thread `t`, for threads that have no tags. */
  rowCondition: string;
}

/** Threads of stateless runs in progress: they have no tags, are visible for moments, and are looked at one by one. */
const IS_UNTAGGED = "t.is_temporary and t.ended_at is null";

/** The number of matches: of tagged threads from the index of tags alone. */
export function countTagged(search: TagSearch, parameters: Parameters): string {
  return `(select count(*) from ${taggedThreads(search, parameters)})
    + (select count(*) from thread t where ${IS_UNTAGGED} and ${search.rowCondition})`;
}

/** Up to so many matches are looked up one by one; of more, the order's index is walked until the page is full. */
const LOOKED_UP_MAX = 2_000;
/** What the index of tags holds itself. */
const TAG_COLUMNS = new Set(["created_at", "thread_id"]);

/**
 * Matches with `columns`: the first of the tagged ones, as many as the page can need, and all others. It reads the number of matches
 * from a CTE `counted`.
 * @param orderOf the `order by` list for an alias
 */
export function pageOfTagged(
  search: TagSearch,
  columns: string[],
  orderOf: (alias: string) => string,
  upTo: string,
  parameters: Parameters,
): string {
  const tagged = taggedThreads(search, parameters);
  const select = (alias: string) => columns.map((column) => `${alias}.${column}`).join(", ");
  const end = (alias: string) => `order by ${orderOf(alias)} limit ${upTo}`;
  const untagged = `(select ${select("t")} from thread t where ${IS_UNTAGGED} and ${search.rowCondition})`;
  if (columns.every((column) => TAG_COLUMNS.has(column))) {
    return `(select ${select("g0")} from ${tagged} ${end("g0")}) union all ${untagged}`;
  }
  const isFew = `(select total from counted) <= ${LOOKED_UP_MAX}`;
  // The test for true keeps PostgreSQL from joining, for which it would read all threads: it looks ids up in a table of hashes.
  const isTagged = `(t.thread_id in (select g0.thread_id from ${tagged})) is true`;
  return `(select ${select("t")} from thread t, (select g0.thread_id as tagged_id from ${tagged}) g
      where t.thread_id = g.tagged_id and ${isFew} ${end("t")})
    union all
    (select ${select("t")} from thread t where ${IS_VISIBLE_THREAD} and not ${isFew} and ${isTagged} ${end("t")})
    union all ${untagged}`;
}

/** A `from` and `where`: `g0` is each thread with all tags and the status. */
function taggedThreads({ tags, status }: TagSearch, parameters: Parameters): string {
  const conditions = tags.flatMap(({ kind, key, value }, index) => {
    const tag = `thread_tag_of('${kind}', ${parameters.add(key)}::text, ${parameters.addJson(value)})`;
    const isSame = `g${index}.created_at = g0.created_at and g${index}.thread_id = g0.thread_id`;
    return [`g${index}.tag = ${tag}`, ...(index === 0 ? [] : [isSame])];
  });
  if (status !== undefined) conditions.push(hasStatus(status));
  return `${tags.map((_, index) => `thread_tag g${index}`).join(", ")} where ${conditions.join(" and ")}`;
}

/** Most threads are idle: those that are not are fewer, and taking them away costs less than looking the others up. */
function hasStatus(status: ThreadStatus): string {
  const statuses = status === "idle" ? THREAD_STATUSES.filter((each) => each !== "idle") : [status];
  const list = statuses.map((each) => `'${each}'`).join(", ");
  return `${status === "idle" ? "not exists" : "exists"} (
    select 1 from thread s where s.thread_id = g0.thread_id and s.status in (${list}) and not (s.is_temporary and s.ended_at is not null))`;
}
