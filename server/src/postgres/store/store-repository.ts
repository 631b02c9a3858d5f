// Where long-term memory is kept: items by namespace and key, with filters, expiry and search by meaning.
import { NotFoundError } from "../../domain/errors.ts";
import type { AccessFilter } from "../../domain/page.ts";
import type {
  NamespaceQuery,
  NewStoreItem,
  StoreItem,
  StoreQuery,
  StoreRepository,
} from "../../domain/ports/store-repository.ts";
import { execute, type Queryable } from "../statement.ts";
import { EmbeddingIndex, type EmbeddingIndexOptions } from "./embedding-index.ts";
import { searchByMeaning } from "./meaning-search.ts";
import { listNamespaces, readItems, searchItems } from "./store-search.ts";
import { type StoreAddress, writeItems } from "./store-write.ts";
import { VectorIndex, type VectorIndexOptions } from "./vector-index.ts";

export interface StoreOptions {
  /** Minutes an item lives after it was put (or read); `null` for ever. @default null */
  defaultTtlMinutes?: number | null;
  /** Whether reading an item starts its time anew. @default true */
  isRefreshedOnRead?: boolean;
  /** Without it, a query by meaning is ignored. */
  index?: EmbeddingIndexOptions;
}

export class PostgresStoreRepository implements StoreRepository {
  readonly #pool: Queryable;
  readonly #defaultTtlMinutes: number | null;
  readonly #isRefreshedOnRead: boolean;
  readonly #index: EmbeddingIndex | undefined;
  /** Where the embeddings are compared; unset without an index. */
  readonly vectorIndex: VectorIndex | undefined;

  constructor(pool: Queryable, options: StoreOptions = {}) {
    this.#pool = pool;
    this.#defaultTtlMinutes = options.defaultTtlMinutes ?? null;
    this.#isRefreshedOnRead = options.isRefreshedOnRead ?? true;
    this.#index = options.index && new EmbeddingIndex(options.index);
    this.vectorIndex = options.index && new VectorIndex(pool, toVectorIndexOptions(options.index));
  }

  putItem(item: NewStoreItem, access?: AccessFilter): Promise<void> {
    return this.writeItems([item], [], access);
  }

  /** Puts and deletes in one statement; the addresses must differ from each other. */
  async writeItems(puts: NewStoreItem[], deletions: StoreAddress[], access?: AccessFilter): Promise<void> {
    if (puts.length + deletions.length === 0) return;
    const vectors = await this.#index?.embedItems(puts);
    const writes = puts.map((item, position) => ({
      namespace: item.namespace,
      key: item.key,
      value: item.value,
      ttl: item.ttlMinutes === undefined ? this.#defaultTtlMinutes : item.ttlMinutes,
      vectors: vectors?.[position] ?? [],
    }));
    await writeItems(this.#pool, writes, deletions, access);
  }

  async getItem(
    namespace: string[],
    key: string,
    options: { isTtlRefreshed?: boolean } = {},
    access?: AccessFilter,
  ): Promise<StoreItem | undefined> {
    const [item] = await this.readItems([{ namespace, key }], options, access);
    return item;
  }

  /** Items at the addresses, in any order; missing ones are left out. */
  async readItems(
    addresses: StoreAddress[],
    options: { isTtlRefreshed?: boolean } = {},
    access?: AccessFilter,
  ): Promise<StoreItem[]> {
    if (addresses.length === 0) return [];
    return readItems(this.#pool, addresses, options.isTtlRefreshed ?? this.#isRefreshedOnRead, access);
  }

  async deleteItem(namespace: string[], key: string, access?: AccessFilter): Promise<void> {
    const address = { namespace, key };
    await this.writeItems([], [address], access);
    if (access === undefined) return;
    const hidden = await this.readItems([address], { isTtlRefreshed: false });
    if (hidden.length > 0) throw new NotFoundError("Item not found");
  }

  async searchItems(query: StoreQuery, access?: AccessFilter): Promise<StoreItem[]> {
    const isTtlRefreshed = query.isTtlRefreshed ?? this.#isRefreshedOnRead;
    const vector = query.query ? await this.#index?.embedQuery(query.query) : undefined;
    const search = { ...query, isTtlRefreshed };
    const index = this.vectorIndex;
    if (vector === undefined || index === undefined) return searchItems(this.#pool, search, access);
    return searchByMeaning(this.#pool, search, { vector, index }, access);
  }

  listNamespaces(query: NamespaceQuery, access?: AccessFilter): Promise<string[][]> {
    return listNamespaces(this.#pool, query, access);
  }

  async sweepExpiredItems(countMax: number): Promise<number> {
    const rows = await execute<{ count: string }>(
      this.#pool,
      `with expired as (
         select namespace, key from store_item where expires_at <= now() order by expires_at
         limit $1 for update skip locked
       ), deleted as (
         delete from store_item i using expired e where i.namespace = e.namespace and i.key = e.key returning 1
       )
       select count(*) as count from deleted`,
      [countMax],
    );
    return Number(rows[0]!.count);
  }
}

function toVectorIndexOptions({ dims, distance = "cosine", ann }: EmbeddingIndexOptions): VectorIndexOptions {
  return { ...ann, space: { dims, distance } };
}
