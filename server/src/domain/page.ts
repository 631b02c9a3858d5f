// One page of a search and the filters every search accepts.
import type { JsonObject } from "./json.ts";

export interface Page<T> {
  items: T[];
  /** All matches, not only this page's. */
  total: number;
}

export interface PageQuery<SortKey extends string> {
  limit: number;
  offset: number;
  sortBy?: SortKey;
  sortOrder?: "asc" | "desc";
}

/**
 * What an authorisation rule allows the caller to see: containment on the resource's metadata.
 * `undefined` means everything. Every repository verb takes it so that the rule is enforced in SQL.
 */
export type AccessFilter = AccessRule | undefined;

export type AccessRule =
  | { equals: { key: string; value: unknown } }
  | { contains: { key: string; values: unknown[] } }
  | { and: AccessRule[] }
  | { or: AccessRule[] };

export type MetadataFilter = JsonObject | undefined;
