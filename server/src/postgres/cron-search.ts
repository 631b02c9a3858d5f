// Searching and counting crons.
import type { Cron, CronSortKey } from "../domain/cron.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { CronQuery } from "../domain/ports/cron-repository.ts";
import { accessCondition } from "./access-sql.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { type CronRow, toCron } from "./cron-row.ts";
import { isFilter, orderBy, type SortColumn } from "./search-sql.ts";
import { execute, Parameters, type Queryable } from "./statement.ts";

const BY_ID = [{ column: "cron_id", order: "asc" }] as const;

const SORT_COLUMNS: Record<CronSortKey, SortColumn> = {
  cronId: { column: "cron_id", tieBreakers: [] },
  assistantId: { column: "assistant_id", tieBreakers: BY_ID },
  threadId: { column: "thread_id", tieBreakers: BY_ID, isNullable: true },
  nextRunAt: { column: "next_run_date", tieBreakers: BY_ID, isNullable: true },
  endTime: { column: "end_time", tieBreakers: BY_ID, isNullable: true },
  createdAt: { column: "created_at", tieBreakers: BY_ID },
  updatedAt: { column: "updated_at", tieBreakers: BY_ID },
};

/** One page and the number of all matches, in one statement and so of one snapshot. */
export async function searchCrons(
  db: Queryable,
  query: CronQuery & PageQuery<CronSortKey>,
  access: AccessFilter,
): Promise<Page<Cron>> {
  const parameters = new Parameters();
  const conditions = cronConditions(query, access, parameters);
  const sort = SORT_COLUMNS[query.sortBy ?? "createdAt"];
  const order = query.sortOrder ?? "desc";
  const rows = await execute<CronRow & { total: string }>(
    db,
    `with counted as (select count(*) as total from cron c where ${conditions}),
     page as (
       select c.* from cron c where ${conditions}
       order by ${orderBy("c", sort, order)} limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}
     )
     select counted.total, page.* from counted left join page on true order by ${orderBy("page", sort, order)}`,
    parameters.values,
  );
  return {
    items: rows.filter((row) => row.cron_id !== null).map((row) => toCron(cipherOf(db), row)),
    total: Number(rows[0]?.total ?? 0),
  };
}

export async function countCrons(db: Queryable, query: CronQuery, access: AccessFilter): Promise<number> {
  const parameters = new Parameters();
  const conditions = cronConditions(query, access, parameters);
  const rows = await execute<{ total: string }>(
    db,
    `select count(*) as total from cron c where ${conditions}`,
    parameters.values,
  );
  return Number(rows[0]?.total ?? 0);
}

function cronConditions(query: CronQuery, access: AccessFilter, parameters: Parameters): string {
  const conditions = [accessCondition(access, "c.metadata", parameters)];
  if (isFilter(query.metadata)) conditions.push(`c.metadata @> ${parameters.addJson(query.metadata)}`);
  if (query.assistantId !== undefined) conditions.push(`c.assistant_id = ${parameters.add(query.assistantId)}::uuid`);
  if (query.threadId !== undefined) conditions.push(`c.thread_id = ${parameters.add(query.threadId)}::uuid`);
  if (query.isEnabled !== undefined) conditions.push(`c.is_enabled = ${parameters.add(query.isEnabled)}`);
  return conditions.join(" and ");
}
