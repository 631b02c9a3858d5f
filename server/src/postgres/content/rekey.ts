// Takes stored contents to the current key (or to none), batch by batch, beside running servers.
import type { Pool } from "pg";
import { execute } from "../statement.ts";
import { cipherOf } from "./cipher-of.ts";
import { ContentCipher } from "./content-cipher.ts";
import { SEALED_COLUMNS, type SealedColumn } from "./sealed-tables.ts";

/** Rows of one statement. */
const ROWS_PER_BATCH = 200;

export interface RekeyedColumn {
  table: string;
  column: string;
  /** Rows looked at. */
  seenCount: number;
  /** Rows written under the current key. */
  changedCount: number;
}

/**
 * Goes through every column that holds contents and writes anew what is not under the current key. A row that somebody changes
 * meanwhile is left to them: servers write under the current key. Stopped half-way, it can simply be started again.
 * @param isDecrypting stores everything as it is instead
 * @param onColumn told after each column
 * @throws SealedContentError for a row under a key that is not there; nothing of its batch is changed
 */
export async function rekeyContents(
  pool: Pool,
  isDecrypting: boolean,
  onColumn: (column: RekeyedColumn) => void,
): Promise<void> {
  const from = cipherOf(pool);
  const to = isDecrypting ? new ContentCipher([]) : from;
  for (const sealed of SEALED_COLUMNS) onColumn(await rekeyColumn(pool, sealed, from, to));
}

type Row = { stored: string; key: string[] };

async function rekeyColumn(
  pool: Pool,
  sealed: SealedColumn,
  from: ContentCipher,
  to: ContentCipher,
): Promise<RekeyedColumn> {
  const counts = { table: sealed.table, column: sealed.column, seenCount: 0, changedCount: 0 };
  let after: string[] | undefined;
  for (;;) {
    const rows: Row[] = await execute(pool, readStatement(sealed, after !== undefined), after ?? []);
    if (rows.length === 0) return counts;
    const changes = rows.flatMap(({ stored, key }) => {
      if (isCurrent(stored, to)) return [];
      const resealed = sealed.reseal(stored, from, to);
      return resealed === stored ? [] : [{ key, stored, resealed }];
    });
    counts.seenCount += rows.length;
    if (changes.length > 0) counts.changedCount += await write(pool, sealed, changes, from, to);
    after = rows.at(-1)!.key;
  }
}

/**
 * Sealed texts differ each time, so what is under the current key must be recognised before it is sealed again: a whole text, the
 * JSON string of a jsonb column, or the sealed part of an error or a run's kwargs.
 */
function isCurrent(stored: string, { currentPrefix }: ContentCipher): boolean {
  if (currentPrefix === undefined) return false;
  if (!stored.startsWith("{")) return stored.startsWith(currentPrefix) || stored.startsWith(`"${currentPrefix}`);
  const record = JSON.parse(stored) as Sealed & { kwargs?: Sealed; error?: Sealed | null };
  // A run's row, whose parts may have been written by processes with different keys, or one such part.
  const parts = record.kwargs === undefined ? [record] : [record.kwargs, record.error];
  return parts.every((part) => part == null || part.sealed?.startsWith(currentPrefix) === true);
}

interface Sealed {
  sealed?: string;
}

function readStatement({ table, column, key }: SealedColumn, hasStart: boolean): string {
  const names = key.map(([name]) => name).join(", ");
  const texts = key.map(([name, type]) => (type === "bytea" ? `encode(${name}, 'hex')` : `${name}::text`)).join(", ");
  const start = key.map(([, type], index) => fromText(`$${index + 1}`, type)).join(", ");
  return `select "${column}"::text as stored, array[${texts}] as key from ${table}
    where "${column}" is not null ${hasStart ? `and (${names}) > (${start})` : ""}
    order by ${names} limit ${ROWS_PER_BATCH}`;
}

function fromText(text: string, type: string): string {
  return type === "bytea" ? `decode(${text}::text, 'hex')` : `${text}::${type}`;
}

interface Change {
  key: string[];
  stored: string;
  resealed: string;
}

async function write(
  pool: Pool,
  { table, column, type, key, derived }: SealedColumn,
  changes: Change[],
  from: ContentCipher,
  to: ContentCipher,
): Promise<number> {
  const values: unknown[] = [changes.map(({ stored }) => stored), changes.map(({ resealed }) => resealed)];
  for (const index of key.keys()) values.push(changes.map((change) => change.key[index]));
  const keyNames = key.map((_, index) => `k${index}`);
  const matches = key.map(([name, keyType], index) => `t.${name} = ${fromText(`c.k${index}`, keyType)}`);
  let set = `"${column}" = c.resealed::${type}`;
  const names = ["stored", "resealed", ...keyNames];
  if (derived !== undefined) {
    values.push(changes.map(({ stored }) => derived.value(from.open("checkpoint", stored), to)));
    names.push("derived");
    set += `, ${derived.column} = case when c.derived is not null then ${derived.expression.replace("$", "c.derived")} end`;
  }
  const rows = await execute(
    pool,
    `update ${table} t set ${set}
     from unnest(${values.map((_, index) => `$${index + 1}::text[]`).join(", ")}) as c(${names.join(", ")})
     where ${matches.join(" and ")} and t."${column}"::text = c.stored
     returning 1`,
    values,
  );
  return rows.length;
}
