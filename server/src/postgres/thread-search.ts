// Searching and counting threads.
import { InvalidRequestError } from "../domain/errors.ts";
import type { JsonObject } from "../domain/json.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { ThreadQuery } from "../domain/ports/thread-repository.ts";
import type { Thread, ThreadSortKey } from "../domain/thread.ts";
import { accessCondition } from "./access-sql.ts";
import type { ReadOmittedValues } from "./checkpoint-tables.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { findThreadsByOmittedValues } from "./omitted-values-filter.ts";
import { isFilter, orderBy, type SortColumn } from "./search-sql.ts";
import { execute, Parameters, type Queryable } from "./statement.ts";
import { IS_VISIBLE_THREAD, type ThreadRow, threadColumns, toThreads } from "./thread-row.ts";
import { countTagged, pageOfTagged, type TagSearch, tagsOfAccess, tagsOfDocument } from "./thread-tags.ts";

const BY_ID = [{ column: "thread_id", order: "asc" }] as const;

/** Each is served by an index of that order, so that a page costs its rows and not all matches. */
const SORT_COLUMNS: Record<ThreadSortKey, SortColumn> = {
  threadId: { column: "thread_id", tieBreakers: [] },
  status: {
    column: "status",
    tieBreakers: [
      { column: "created_at", order: "asc" },
      { column: "thread_id", order: "desc" },
    ],
  },
  createdAt: { column: "created_at", tieBreakers: BY_ID },
  updatedAt: { column: "updated_at", tieBreakers: BY_ID },
  stateUpdatedAt: { column: "state_updated_at", tieBreakers: BY_ID, isNullable: true },
};

/** Tags are joined, and planning a join of many takes longer than looking at every thread; filters have one or two entries. */
const TAGS_MAX = 4;

/** Metadata keys that are columns too (see the thread table); longer texts are not in the columns. */
const METADATA_COLUMNS: Record<string, string> = { graph_id: "t.graph_id", assistant_id: "t.assistant_id" };
const METADATA_COLUMN_LENGTH_MAX = 200;

type ThreadSearch = ThreadQuery & PageQuery<ThreadSortKey> & { withValues: boolean };

/** One page and the number of all matches, in one statement and so of one snapshot. */
export async function searchThreads(
  db: Queryable,
  query: ThreadSearch,
  access: AccessFilter,
  readOmittedValues: ReadOmittedValues,
): Promise<Page<Thread>> {
  const parameters = new Parameters();
  const sort = SORT_COLUMNS[query.sortBy ?? "createdAt"];
  const order = query.sortOrder ?? "desc";
  const found = await findMatches(db, query, access, parameters, readOmittedValues, (matches) => {
    const limit = parameters.add(query.limit);
    const offset = parameters.add(query.offset);
    const window = `limit ${limit} offset ${offset}`;
    if ("tags" in matches) return walkTags(matches, sort, order, { limit, offset }, parameters);
    return matches.isIndexed
      ? walkIndex(matches.conditions, sort, order, window)
      : matchOnce(matches.conditions, sort, order, window);
  });
  const rows = await execute<ThreadRow & { total: string }>(
    db,
    `with ${found}
     select counted.total, ${threadColumns({ withValues: query.withValues })}
     from counted left join (page join thread t using (thread_id)) on true
     order by ${orderBy("t", sort, order)}`,
    parameters.values,
  );
  const threads = rows.filter((row) => row.thread_id !== null);
  return { items: await toThreads(cipherOf(db), threads, readOmittedValues), total: Number(rows[0]?.total ?? 0) };
}

export async function countThreads(
  db: Queryable,
  query: ThreadQuery,
  access: AccessFilter,
  readOmittedValues: ReadOmittedValues,
): Promise<number> {
  const parameters = new Parameters();
  const text = await findMatches(db, query, access, parameters, readOmittedValues, (matches) =>
    "tags" in matches
      ? `select ${countTagged(matches, parameters)} as total`
      : `select count(*) as total from thread t where ${matches.conditions}`,
  );
  const rows = await execute<{ total: string }>(db, text, parameters.values);
  return Number(rows[0]?.total ?? 0);
}

type SortOrder = "asc" | "desc";

/** For conditions that indexes hold: the count reads an index alone, the page walks the index of its order and stops. */
function walkIndex(conditions: string, sort: SortColumn, order: SortOrder, window: string): string {
  return `counted as (select count(*) as total from thread t where ${conditions}),
    page as (select t.thread_id from thread t where ${conditions} order by ${orderBy("t", sort, order)} ${window})`;
}

/** For conditions that tags decide: both read the index of tags, and the threads only where the order or a status asks for them. */
function walkTags(
  search: TagSearch,
  sort: SortColumn,
  order: SortOrder,
  window: { limit: string; offset: string },
  parameters: Parameters,
): string {
  const upTo = `(${window.limit}::bigint + ${window.offset}::bigint)`;
  const page = pageOfTagged(search, sortColumns(sort), (alias) => orderBy(alias, sort, order), upTo, parameters);
  return `counted as (select ${countTagged(search, parameters)} as total),
    page as (select p.thread_id from (${page}) p order by ${orderBy("p", sort, order)} limit ${window.limit} offset ${window.offset})`;
}

/** What orders rows by `sort`, and their ids. */
function sortColumns(sort: SortColumn): string[] {
  return [...new Set(["thread_id", sort.column, ...sort.tieBreakers.map((tieBreaker) => tieBreaker.column)])];
}

/**
 * For conditions on documents: every match has to be looked at for the count, so the page is taken from the same pass. Walking
 * the index of the order instead could look at every thread to fill a page with rare matches.
 */
function matchOnce(conditions: string, sort: SortColumn, order: SortOrder, window: string): string {
  return `matching as materialized (
      select ${sortColumns(sort)
        .map((column) => `t.${column}`)
        .join(", ")} from thread t where ${conditions}
    ),
    counted as (select count(*) as total from matching),
    page as (select m.thread_id from matching m order by ${orderBy("m", sort, order)} ${window})`;
}

interface Conditions {
  conditions: string;
  /** Whether indexes alone decide them. */
  isIndexed: boolean;
}

/** Decides how the matches are found and writes the statement for it. */
async function findMatches(
  db: Queryable,
  query: ThreadQuery,
  access: AccessFilter,
  parameters: Parameters,
  readOmittedValues: ReadOmittedValues,
  write: (matches: Conditions | TagSearch) => string,
): Promise<string> {
  if (isFilter(query.values)) refuseSealedValues(db);
  const tags = decidingTags(query, access);
  if (tags === undefined) return write(await threadConditions(db, query, access, parameters, readOmittedValues));
  const conditions = ["true"];
  if (query.status !== undefined) conditions.push(`t.status = ${parameters.add(query.status)}`);
  if (isFilter(query.metadata)) conditions.push(`t.metadata @> ${parameters.addJson(query.metadata)}`);
  if (isFilter(query.values)) conditions.push(`t."values" @> ${parameters.addJson(query.values)}`);
  if (access !== undefined) conditions.push(accessCondition(access, "t.metadata", parameters));
  return write({ tags, status: query.status, rowCondition: conditions.join(" and ") });
}

/**
 * The tags that decide a search together with a status; `undefined` where documents have to be looked at, and where columns
 * with an index of their own are enough. A plain value is never in a channel that rows leave out: those are lists.
 */
function decidingTags(query: ThreadQuery, access: AccessFilter): TagSearch["tags"] | undefined {
  if (query.ids !== undefined) return undefined;
  const parts = [
    tagsOfAccess(access),
    tagsOfDocument("v", query.values ?? {}),
    tagsOfDocument("m", query.metadata ?? {}),
  ];
  if (!parts.every((part) => part !== undefined)) return undefined;
  const tags = parts.flat();
  if (tags.length > TAGS_MAX) return undefined;
  return tags.some(({ kind, key }) => kind === "v" || !Object.hasOwn(METADATA_COLUMNS, key)) ? tags : undefined;
}

/** @throws InvalidRequestError where the database cannot know the values */
function refuseSealedValues(db: Queryable): void {
  if (!cipherOf(db).isOn) return;
  throw new InvalidRequestError(
    "Threads cannot be searched by values: this server stores them encrypted (HOLDFAST_ENCRYPTION_KEYS). Search by metadata, status or ids.",
  );
}

async function threadConditions(
  db: Queryable,
  query: ThreadQuery,
  access: AccessFilter,
  parameters: Parameters,
  readOmittedValues: ReadOmittedValues,
): Promise<Conditions> {
  const conditions = [IS_VISIBLE_THREAD];
  if (query.status !== undefined) conditions.push(`t.status = ${parameters.add(query.status)}`);
  const documents = metadataConditions(query.metadata ?? {}, conditions, parameters);
  const isIndexed = documents.length === 0 && access === undefined && query.ids === undefined;
  conditions.push(...documents);
  if (query.ids !== undefined) conditions.push(`t.thread_id = any(${parameters.add(query.ids)}::uuid[])`);
  if (access !== undefined) conditions.push(accessCondition(access, "t.metadata", parameters));
  if (!isFilter(query.values)) return { conditions: conditions.join(" and "), isIndexed };

  // Before further values are bound: that statement takes over those bound so far.
  const others = await findThreadsByOmittedValues(
    db,
    query.values,
    { text: conditions.join(" and "), parameters },
    readOmittedValues,
  );
  const inRow = `(t."values" @> ${parameters.addJson(query.values)} and
    not t.omitted_channels && ${parameters.add(Object.keys(query.values))}::text[])`;
  conditions.push(others.length === 0 ? inRow : `(${inRow} or t.thread_id = any(${parameters.add(others)}::uuid[]))`);
  return { conditions: conditions.join(" and "), isIndexed: false };
}

/** Adds conditions on key columns to `conditions`; returns what is left to the document itself. */
function metadataConditions(metadata: JsonObject, conditions: string[], parameters: Parameters): string[] {
  const rest: [string, unknown][] = [];
  for (const [key, value] of Object.entries(metadata)) {
    const column = Object.hasOwn(METADATA_COLUMNS, key) ? METADATA_COLUMNS[key] : undefined;
    if (column !== undefined && typeof value === "string" && value.length <= METADATA_COLUMN_LENGTH_MAX) {
      conditions.push(`${column} = ${parameters.add(value)}`);
    } else {
      rest.push([key, value]);
    }
  }
  const document = Object.fromEntries(rest);
  return isFilter(document) ? [`t.metadata @> ${parameters.addJson(document)}`] : [];
}
