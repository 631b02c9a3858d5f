// Putting and deleting store items, any number in one statement.
import { ForbiddenError, NotFoundError } from "../../domain/errors.ts";
import type { JsonObject } from "../../domain/json.ts";
import type { AccessFilter } from "../../domain/page.ts";
import { execute, Parameters, type Queryable } from "../statement.ts";
import { itemAccess } from "./store-filter.ts";

/** An item's address. */
export interface StoreAddress {
  namespace: string[];
  key: string;
}

/** An item ready to be written. */
export interface StoreWrite extends StoreAddress {
  value: JsonObject;
  /** Minutes to live; `null` for ever. */
  ttl: number | null;
  vectors: number[][];
}

/**
 * Writes all or nothing. The addresses must differ from each other.
 * @throws ForbiddenError when the rule does not allow a new value, NotFoundError when it hides an existing item.
 */
export async function writeItems(
  db: Queryable,
  puts: StoreWrite[],
  deletions: StoreAddress[],
  access?: AccessFilter,
): Promise<void> {
  const parameters = new Parameters();
  const rows = await execute<{ allowed_count: string; put_count: string }>(
    db,
    writeStatement(puts, deletions, access, parameters),
    parameters.values,
  );
  const counts = rows[0]!;
  if (Number(counts.allowed_count) < puts.length) throw new ForbiddenError("The item may not be stored like this.");
  if (Number(counts.put_count) < puts.length) throw new NotFoundError("Item not found");
}

/**
 * The rule is checked inside the write itself, on the existing row too, so that nothing can change in between. With
 * several puts it must not stop at half: none is written unless the rule allows every new value.
 */
function writeStatement(
  puts: StoreWrite[],
  deletions: StoreAddress[],
  access: AccessFilter,
  parameters: Parameters,
): string {
  return `
  with input as materialized (
    select * from jsonb_to_recordset(${parameters.addJson(puts)})
      as n (namespace text[], key text, value jsonb, ttl double precision, vectors jsonb)
  ), allowed as (
    select * from input n where ${itemAccess(access, "n", parameters)}
  ), put as (
    insert into store_item as i (namespace, key, value, ttl_minutes, expires_at)
    select namespace, key, value, ttl, now() + ttl * interval '1 minute' from allowed
    where (select count(*) from allowed) = (select count(*) from input) order by namespace, key
    on conflict (namespace, key) do update set value = excluded.value, ttl_minutes = excluded.ttl_minutes,
      expires_at = excluded.expires_at, updated_at = now(),
      created_at = case when i.expires_at <= now() then now() else i.created_at end
    where i.expires_at <= now() or ${itemAccess(access, "i", parameters)}
    returning i.namespace, i.key
  ), unindexed as (
    delete from store_vector v using put join allowed a using (namespace, key)
    where v.namespace = put.namespace and v.key = put.key and v.position >= jsonb_array_length(a.vectors)
  ), indexed as (
    insert into store_vector (namespace, key, position, embedding)
    select put.namespace, put.key, v.ordinality - 1, array(select jsonb_array_elements_text(v.vector)::real)
    from put join allowed a using (namespace, key)
      cross join lateral jsonb_array_elements(a.vectors) with ordinality as v (vector, ordinality)
    on conflict (namespace, key, position) do update set embedding = excluded.embedding
  ), deleted as (
    delete from store_item i using jsonb_to_recordset(${parameters.addJson(deletions)}) as d (namespace text[], key text)
    where i.namespace = d.namespace and i.key = d.key and ${itemAccess(access, "i", parameters)}
  )
  select (select count(*) from allowed) as allowed_count, (select count(*) from put) as put_count`;
}
