// Search by meaning: items ranked by the best of their texts, exactly or by pgvector's index.
import type { AccessFilter } from "../../domain/page.ts";
import type { StoreItem } from "../../domain/ports/store-repository.ts";
import { Parameters, type Queryable } from "../statement.ts";
import { STORE_COLUMNS } from "./store-row.ts";
import { bestFirst, type ItemSearch, itemConditions, presentFound } from "./store-search.ts";
import type { VectorIndex } from "./vector-index.ts";
import {
  distanceTo,
  isOfSpace,
  plainBestScore,
  scoreOfDistance,
  type VectorSpace,
  vectorBestScore,
} from "./vector-space.ts";

/** Texts taken from the index for each item wanted: an item may have several. */
const TEXTS_PER_ITEM = 3;
const TEXTS_MIN = 40;

/**
 * The items that match, nearest first; those without texts of this space come last. The index may miss a near item now and then, as
 * HNSW does, but no condition makes it lose one: its scan goes on until enough rows have passed them all, and where it still gives less than a
 * page, every match is compared. So a page is never short.
 */
export async function searchByMeaning(
  db: Queryable,
  query: ItemSearch,
  { vector, index }: { vector: number[]; index: VectorIndex },
  access: AccessFilter,
): Promise<StoreItem[]> {
  try {
    const search = await index.current();
    if (search === "indexed") {
      const found = await searchIndex(db, query, vector, index.space, access);
      if (found.length >= query.limit) return found;
    }
    return await searchAll(db, query, vector, { space: index.space, isPlain: search === "plain" }, access);
  } catch (error) {
    // Somebody removed the extension a moment ago.
    if (!index.forgetIfMissing(error)) throw error;
    return searchAll(db, query, vector, { space: index.space, isPlain: true }, access);
  }
}

/** Compares every match. */
function searchAll(
  db: Queryable,
  query: ItemSearch,
  vector: number[],
  { space, isPlain }: { space: VectorSpace; isPlain: boolean },
  access: AccessFilter,
): Promise<StoreItem[]> {
  const parameters = new Parameters();
  const best = isPlain ? plainBestScore : vectorBestScore;
  const found = `
    select ${STORE_COLUMNS}, s.score
    from store_item i left join lateral (${best(space, parameters.add(vector))}) s on true
    where ${itemConditions(query, access, parameters)}
    order by ${bestFirst("s.score")} limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`;
  return presentFound(db, found, { isRanked: true, isTtlRefreshed: query.isTtlRefreshed }, parameters);
}

/** The setting counts for this statement alone; the join makes sure that it is there before the index is read. */
const ITERATE = "select set_config('hnsw.iterative_scan', 'relaxed_order', true) as mode";

function searchIndex(
  db: Queryable,
  query: ItemSearch,
  vector: number[],
  space: VectorSpace,
  access: AccessFilter,
): Promise<StoreItem[]> {
  const parameters = new Parameters();
  const distance = distanceTo(space, parameters.add(vector));
  const textCount = Math.max(TEXTS_MIN, (query.limit + query.offset) * TEXTS_PER_ITEM);
  const found = `
    select ${STORE_COLUMNS}, b.score
    from (
      select near.namespace, near.key, max(near.score) as score
      from (${ITERATE}) s cross join lateral (
        select v.namespace, v.key, ${scoreOfDistance(space, distance)} as score
        from store_vector v join store_item i on i.namespace = v.namespace and i.key = v.key
        where s.mode is not null and ${isOfSpace(space)} and ${itemConditions(query, access, parameters)}
        order by ${distance} limit ${parameters.add(textCount)}
      ) near
      group by near.namespace, near.key
    ) b join store_item i on i.namespace = b.namespace and i.key = b.key
    order by ${bestFirst("b.score")} limit ${parameters.add(query.limit)} offset ${parameters.add(query.offset)}`;
  return presentFound(db, found, { isRanked: true, isTtlRefreshed: query.isTtlRefreshed }, parameters);
}
