// Parts that every search statement shares: metadata filters, ordering, escaped name patterns.
import type { JsonObject } from "../domain/json.ts";

export type SortOrder = "asc" | "desc";

/** How a sort key is read from a table: its column, and the order that its index serves as it stands. */
export interface SortColumn {
  column: string;
  /** Extra columns that make the order total, each with its direction when the key itself descends. */
  tieBreakers: readonly { column: string; order: SortOrder }[];
  /** Whether the column can be null; nulls come last when descending and first when ascending, so one index serves both. */
  isNullable?: boolean;
}

/** An `order by` list that an index can serve forwards (descending) or backwards (ascending). */
export function orderBy(alias: string, sort: SortColumn, order: SortOrder): string {
  const nulls = sort.isNullable ? (order === "desc" ? " nulls last" : " nulls first") : "";
  const first = `${alias}.${sort.column} ${order}${nulls}`;
  const rest = sort.tieBreakers.map(
    (tieBreaker) => `${alias}.${tieBreaker.column} ${order === "desc" ? tieBreaker.order : flip(tieBreaker.order)}`,
  );
  return [first, ...rest].join(", ");
}

function flip(order: SortOrder): SortOrder {
  return order === "asc" ? "desc" : "asc";
}

/** A `like` pattern that matches texts containing `part` literally. */
export function containsPattern(part: string): string {
  return `%${part.replace(/[\\%_]/g, "\\$&")}%`;
}

/** Whether a containment filter asks for anything; every object satisfies an empty one. */
export function isFilter(filter: JsonObject | undefined): filter is JsonObject {
  return filter !== undefined && Object.values(filter).some((value) => value !== undefined);
}
