// Searching and counting assistants.
import type { Assistant, AssistantSortKey } from "../domain/assistant.ts";
import type { AccessFilter, Page, PageQuery } from "../domain/page.ts";
import type { AssistantQuery } from "../domain/ports/assistant-repository.ts";
import { accessCondition } from "./access-sql.ts";
import { type AssistantRow, assistantColumns, toAssistant } from "./assistant-row.ts";
import { containsPattern, isFilter, orderBy, type SortColumn } from "./search-sql.ts";
import { execute, Parameters, type Queryable } from "./statement.ts";

const BY_ID = [{ column: "assistant_id", order: "asc" }] as const;

const SORT_COLUMNS: Record<AssistantSortKey, SortColumn> = {
  assistantId: { column: "assistant_id", tieBreakers: [] },
  graphId: { column: "graph_id", tieBreakers: BY_ID },
  name: { column: "name", tieBreakers: BY_ID },
  createdAt: { column: "created_at", tieBreakers: BY_ID },
  updatedAt: { column: "updated_at", tieBreakers: BY_ID },
};

/** One page and the number of all matches, in one statement and so of one snapshot. */
export async function searchAssistants(
  db: Queryable,
  query: AssistantQuery & PageQuery<AssistantSortKey>,
  access: AccessFilter,
): Promise<Page<Assistant>> {
  const parameters = new Parameters();
  const conditions = assistantConditions(query, access, parameters);
  const sort = SORT_COLUMNS[query.sortBy ?? "createdAt"];
  const order = query.sortOrder ?? "desc";
  const rows = await execute<AssistantRow & { total: string }>(
    db,
    `with counted as (select count(*) as total from assistant a where ${conditions}),
     page as (
       select ${assistantColumns("a")} from assistant a where ${conditions}
       order by ${orderBy("a", sort, order)} limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}
     )
     select counted.total, page.* from counted left join page on true order by ${orderBy("page", sort, order)}`,
    parameters.values,
  );
  return {
    items: rows.filter((row) => row.assistant_id !== null).map(toAssistant),
    total: Number(rows[0]?.total ?? 0),
  };
}

export async function countAssistants(db: Queryable, query: AssistantQuery, access: AccessFilter): Promise<number> {
  const parameters = new Parameters();
  const conditions = assistantConditions(query, access, parameters);
  const rows = await execute<{ total: string }>(
    db,
    `select count(*) as total from assistant a where ${conditions}`,
    parameters.values,
  );
  return Number(rows[0]?.total ?? 0);
}

function assistantConditions(query: AssistantQuery, access: AccessFilter, parameters: Parameters): string {
  const conditions = [accessCondition(access, "a.metadata", parameters)];
  if (isFilter(query.metadata)) conditions.push(`a.metadata @> ${parameters.addJson(query.metadata)}`);
  if (query.graphId !== undefined) conditions.push(`a.graph_id = ${parameters.add(query.graphId)}`);
  if (query.name !== undefined) conditions.push(`a.name ilike ${parameters.add(containsPattern(query.name))}`);
  return conditions.join(" and ");
}
