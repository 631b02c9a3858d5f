// Whether the database has pgvector, and the HNSW index over the store's embeddings where it does.
import type { Pool } from "pg";
import { execute, type Queryable } from "../statement.ts";
import { createIndexSql, INDEX_PREFIX, indexName, isIndexable, type VectorSpace } from "./vector-space.ts";

/** How a search by meaning is carried out: on plain arrays, by pgvector over all matches, or by its index. */
export type VectorSearch = "plain" | "exact" | "indexed";

export interface VectorIndexOptions {
  space: VectorSpace;
  /** `hnsw` always, `flat` never. @default as soon as there are `indexedFromCount` embeddings */
  kind?: "hnsw" | "flat";
  /** @default pgvector's own, 16 */
  m?: number;
  /** @default pgvector's own, 64 */
  efConstruction?: number;
  /** @default 10,000; below it each write would pay for an index that hardly helps */
  indexedFromCount?: number;
  /** How long an answer of the database is believed. @default 30,000 */
  recheckMs?: number;
}

const INDEXED_FROM_COUNT = 10_000;
const RECHECK_MS = 30_000;
/** The first version that goes on scanning until enough rows pass the other conditions. */
const ITERATIVE_SCAN_VERSION = [0, 8] as const;

/** SQLSTATE codes for a type, function, operator or operator class that is not there (any more). */
const MISSING_CODES = new Set(["42704", "42883"]);
/** A second process that makes or drops the same thing at the same moment. */
const CONCURRENT_CODES = new Set(["42P07", "23505", "42710", "40P01", "XX000"]);

export class VectorIndex {
  readonly space: VectorSpace;
  readonly #db: Queryable;
  readonly #options: VectorIndexOptions;
  #known: { search: VectorSearch; untilMs: number } | undefined;
  #isCreationRefused = false;

  constructor(db: Queryable, options: VectorIndexOptions) {
    this.space = options.space;
    this.#db = db;
    this.#options = options;
  }

  /** How to search now. */
  async current(): Promise<VectorSearch> {
    if (this.#known !== undefined && performance.now() < this.#known.untilMs) return this.#known.search;
    const { recheckMs = RECHECK_MS } = this.#options;
    const { version, isUsable, isIndexed } = await this.#inspect();
    const canIterate = isAtLeast(version, ITERATIVE_SCAN_VERSION);
    const search = !isUsable ? "plain" : isIndexed && canIterate ? "indexed" : "exact";
    this.#known = { search, untilMs: performance.now() + recheckMs };
    return search;
  }

  /** Asks the database again where the error says that the extension has gone; `false` for any other error. */
  forgetIfMissing(error: unknown): boolean {
    if (!MISSING_CODES.has(codeOf(error))) return false;
    this.#known = undefined;
    return true;
  }

  /**
   * Makes the extension where it may be made, and the index where it pays; removes indexes of other models. The embeddings themselves
   * stay where they are, so the way back needs nothing. Safe in any number of processes; a build blocks no writer.
   * @param pool a connection of its own is taken for a build and closed afterwards
   * @returns what was done, for the log
   */
  async keep(pool: Pool): Promise<string[]> {
    this.#known = undefined;
    await this.#createExtension();
    const { version, isUsable, isIndexed } = await this.#inspect();
    if (!isUsable) return [];
    const wanted = isAtLeast(version, ITERATIVE_SCAN_VERSION) && (await this.#isIndexWanted(isIndexed));
    const done: string[] = [];
    for (const name of await this.#staleIndexes(wanted)) {
      if (await this.#run(pool, `drop index concurrently if exists ${name}`)) done.push(`dropped ${name}`);
    }
    if (wanted && !isIndexed && (await this.#run(pool, createIndexSql(this.space, this.#options)))) {
      done.push(`built ${indexName(this.space)}`);
    }
    this.#known = undefined;
    return done;
  }

  async #inspect(): Promise<{ version: string; isUsable: boolean; isIndexed: boolean }> {
    const [row] = await execute<{ version: string | null; is_usable: boolean; is_indexed: boolean }>(
      this.#db,
      `select (select extversion from pg_extension where extname = 'vector') as version,
         to_regtype('vector') is not null as is_usable,
         exists (select 1 from pg_index x where x.indexrelid = to_regclass($1) and x.indisvalid) as is_indexed`,
      [indexName(this.space)],
    );
    const { version, is_usable: isUsable, is_indexed: isIndexed } = row!;
    return { version: version ?? "0", isUsable: isUsable && version !== null, isIndexed };
  }

  /** Once refused (by a database that trusts this role with no extensions), it is left to whoever runs the database. */
  async #createExtension(): Promise<void> {
    if (this.#isCreationRefused) return;
    const missing = await execute(
      this.#db,
      `select 1 from pg_available_extensions where name = 'vector' and installed_version is null`,
    );
    if (missing.length === 0) return;
    try {
      await execute(this.#db, "create extension if not exists vector");
    } catch (error) {
      if (codeOf(error) === "") throw error;
      this.#isCreationRefused = !CONCURRENT_CODES.has(codeOf(error));
    }
  }

  async #isIndexWanted(isIndexed: boolean): Promise<boolean> {
    const { kind, indexedFromCount = INDEXED_FROM_COUNT } = this.#options;
    if (kind === "flat" || !isIndexable(this.space)) return false;
    if (kind === "hnsw" || isIndexed) return true;
    const rows = await execute<{ count: string }>(
      this.#db,
      `select count(*) as count from (
         select 1 from store_vector where cardinality(embedding) = $1 limit $2) counted`,
      [this.space.dims, indexedFromCount],
    );
    return Number(rows[0]!.count) >= indexedFromCount;
  }

  /** Indexes of other spaces, and one whose build broke off. */
  async #staleIndexes(isWanted: boolean): Promise<string[]> {
    const rows = await execute<{ name: string }>(
      this.#db,
      `select c.relname as name from pg_index x join pg_class c on c.oid = x.indexrelid
       where x.indrelid = 'store_vector'::regclass and starts_with(c.relname, $1) and (c.relname <> $2 or not x.indisvalid)
         and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = c.oid)`,
      [INDEX_PREFIX, isWanted ? indexName(this.space) : ""],
    );
    return rows.map((row) => row.name);
  }

  /** Outside of any transaction, without a time limit, on a connection that is closed afterwards. */
  async #run(pool: Pool, sql: string): Promise<boolean> {
    const client = await pool.connect();
    try {
      await client.query("set statement_timeout = 0");
      await client.query(sql);
      return true;
    } catch (error) {
      if (CONCURRENT_CODES.has(codeOf(error)) || this.forgetIfMissing(error)) return false;
      throw error;
    } finally {
      client.release(true);
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null ? String(Reflect.get(error, "code") ?? "") : "";
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [have = 0, haveMinor = 0] = version.split(".").map(Number);
  return have > major || (have === major && haveMinor >= minor);
}
