// What the server asks of the place where long-term memory is kept.
import type { JsonObject } from "../json.ts";
import type { AccessFilter } from "../page.ts";

export interface StoreItem {
  namespace: string[];
  key: string;
  value: JsonObject;
  createdAt: Date;
  updatedAt: Date;
  /**
   * How near the query, in a search by meaning: the cosine of the angle (-1 to 1), the inner product, or the distance below zero, as
   * the store is configured; `undefined` otherwise.
   */
  score?: number;
}

export interface NewStoreItem {
  namespace: string[];
  key: string;
  value: JsonObject;
  /** Paths whose texts are indexed for search by meaning; `false` for none. @default the store's own */
  index?: false | string[];
  /** Minutes until the item expires; `null` for never. @default the store's own */
  ttlMinutes?: number | null;
}

export interface StoreQuery {
  /** Items in this namespace and below; empty for all. */
  namespacePrefix: string[];
  /** By top-level key of the value: a JSON value it equals, or an object of `$eq $ne $gt $gte $lt $lte $in $nin`. */
  filter?: JsonObject;
  /** Ranks by meaning, where the store has an index; otherwise the last changed come first. */
  query?: string;
  limit: number;
  offset: number;
  /** Whether reading moves an item's expiry. @default the store's own */
  isTtlRefreshed?: boolean;
}

export interface NamespaceQuery {
  /** All must hold. Labels, `*` for any one. */
  conditions: { side: "prefix" | "suffix"; labels: string[] }[];
  /** Longer namespaces are cut to this many labels. */
  depthMax?: number;
  limit: number;
  offset: number;
}

/** The access rule is applied to an item's value with `namespace` and `key` laid over it. */
export interface StoreRepository {
  /** @throws NotFoundError when the rule hides the existing item, ForbiddenError when it does not allow the new one. */
  putItem(item: NewStoreItem, access?: AccessFilter): Promise<void>;
  getItem(
    namespace: string[],
    key: string,
    options?: { isTtlRefreshed?: boolean },
    access?: AccessFilter,
  ): Promise<StoreItem | undefined>;
  /** Nothing happens when there is no such item. @throws NotFoundError when the rule hides it. */
  deleteItem(namespace: string[], key: string, access?: AccessFilter): Promise<void>;
  searchItems(query: StoreQuery, access?: AccessFilter): Promise<StoreItem[]>;
  listNamespaces(query: NamespaceQuery, access?: AccessFilter): Promise<string[][]>;
  /** Deletes at most `countMax` items whose time is up; the number deleted. */
  sweepExpiredItems(countMax: number): Promise<number>;
}
