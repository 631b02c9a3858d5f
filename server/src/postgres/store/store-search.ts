// Reading store items: by address, by filter and order, by meaning; and the namespaces there are.
import type { AccessFilter } from "../../domain/page.ts";
import type { NamespaceQuery, StoreItem, StoreQuery } from "../../domain/ports/store-repository.ts";
import { execute, Parameters, type Queryable } from "../statement.ts";
import { IS_LIVE_ITEM, itemAccess, matchesLabels, underNamespace, valueConditions } from "./store-filter.ts";
import { STORE_COLUMNS, type StoreRow, toStoreItem } from "./store-row.ts";
import type { StoreAddress } from "./store-write.ts";

/** Starts the time of the items in the CTE `found` anew. */
const REFRESHED = `
  refreshed as (
    update store_item i set expires_at = now() + i.ttl_minutes * interval '1 minute' from found f
    where i.namespace = f.namespace and i.key = f.key and i.ttl_minutes is not null
  )`;

/** Items at the addresses, in any order; missing ones are left out. */
export async function readItems(
  db: Queryable,
  addresses: StoreAddress[],
  isTtlRefreshed: boolean,
  access: AccessFilter,
): Promise<StoreItem[]> {
  const parameters = new Parameters();
  const rows = await execute<StoreRow>(
    db,
    `with found as (
       select ${STORE_COLUMNS}
       from jsonb_to_recordset(${parameters.addJson(addresses)}) as a (namespace text[], key text)
         join store_item i on i.namespace = a.namespace and i.key = a.key
       where ${IS_LIVE_ITEM} and ${itemAccess(access, "i", parameters)}
     )${isTtlRefreshed ? `, ${REFRESHED}` : ""}
     select * from found`,
    parameters.values,
  );
  return rows.map(toStoreItem);
}

export type ItemSearch = StoreQuery & { isTtlRefreshed: boolean };

/** The items that match, last changed first. */
export function searchItems(db: Queryable, query: ItemSearch, access: AccessFilter): Promise<StoreItem[]> {
  const parameters = new Parameters();
  const found = `
    select ${STORE_COLUMNS} from store_item i where ${itemConditions(query, access, parameters)}
    order by ${NEWEST_FIRST} limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`;
  return presentFound(db, found, { isRanked: false, isTtlRefreshed: query.isTtlRefreshed }, parameters);
}

export function itemConditions(query: StoreQuery, access: AccessFilter, parameters: Parameters): string {
  const conditions = [
    IS_LIVE_ITEM,
    underNamespace(query.namespacePrefix, parameters),
    ...valueConditions(query.filter ?? {}, parameters),
    itemAccess(access, "i", parameters),
  ];
  return conditions.join(" and ");
}

/** @param found query for the items of the page, with a `score` where they are ranked */
export async function presentFound(
  db: Queryable,
  found: string,
  options: { isRanked: boolean; isTtlRefreshed: boolean },
  parameters: Parameters,
): Promise<StoreItem[]> {
  const order = options.isRanked ? BEST_FIRST : NEWEST_FIRST;
  const rows = await execute<StoreRow>(
    db,
    `with found as (${found})${options.isTtlRefreshed ? `, ${REFRESHED}` : ""} select * from found i order by ${order}`,
    parameters.values,
  );
  return rows.map(toStoreItem);
}

const NEWEST_FIRST = "i.updated_at desc, i.namespace, i.key";
const BEST_FIRST = `i.score desc nulls last, ${NEWEST_FIRST}`;

/** The order of a ranked page, where `score` is the score's expression. */
export function bestFirst(score: string): string {
  return `${score} desc nulls last, ${NEWEST_FIRST}`;
}

export async function listNamespaces(db: Queryable, query: NamespaceQuery, access: AccessFilter): Promise<string[][]> {
  const parameters = new Parameters();
  const matches = query.conditions.flatMap(({ side, labels }) => [
    // The labels before a prefix's first wildcard narrow the index range.
    ...(side === "prefix" ? [underNamespace(labelsBeforeWildcard(labels), parameters)] : []),
    matchesLabels(labels, side, parameters),
  ]);
  const conditions = [IS_LIVE_ITEM, ...matches, itemAccess(access, "i", parameters)];
  const namespace =
    query.depthMax === undefined ? "i.namespace" : `i.namespace[1:${parameters.add(query.depthMax)}::integer]`;
  const rows = await execute<{ namespace: string[] }>(
    db,
    `select distinct ${namespace} as namespace from store_item i where ${conditions.join(" and ")}
     order by namespace limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`,
    parameters.values,
  );
  return rows.map((row) => row.namespace);
}

function labelsBeforeWildcard(labels: string[]): string[] {
  const wildcard = labels.indexOf("*");
  return wildcard === -1 ? labels : labels.slice(0, wildcard);
}
