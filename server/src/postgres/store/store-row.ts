// A row of the store and the item it stands for.
import type { JsonObject } from "../../domain/json.ts";
import type { StoreItem } from "../../domain/ports/store-repository.ts";

export interface StoreRow {
  namespace: string[];
  key: string;
  value: JsonObject;
  created_at: Date;
  updated_at: Date;
  score?: number | null;
}

/** The columns `toStoreItem` needs of a table or CTE `i`. */
export const STORE_COLUMNS = "i.namespace, i.key, i.value, i.created_at, i.updated_at";

export function toStoreItem(row: StoreRow): StoreItem {
  return {
    namespace: row.namespace,
    key: row.key,
    value: row.value,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.score === undefined || row.score === null ? {} : { score: row.score }),
  };
}
