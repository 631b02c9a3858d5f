// The store as graphs know it: LangGraph's BaseStore over the same rows that the store endpoints read and write.
import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from "@langchain/langgraph-checkpoint";
import type { NewStoreItem } from "../../domain/ports/store-repository.ts";
import type { PostgresStoreRepository } from "./store-repository.ts";
import type { StoreAddress } from "./store-write.ts";

const SEARCH_LIMIT_DEFAULT = 10;

export class PostgresStore extends BaseStore {
  readonly #items: PostgresStoreRepository;

  constructor(items: PostgresStoreRepository) {
    super();
    this.#items = items;
  }

  /**
   * Reads first, writes after them in one statement, as LangGraph's own stores do: a batch never sees its own writes. Of
   * several writes to one address the last counts. Expiry is the store's default.
   */
  async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const gets = operations.filter(isGet);
    const found = new Map((await this.#items.readItems(gets)).map((item) => [addressOf(item), item]));
    const results = await Promise.all(
      operations.map((operation) => {
        if (isGet(operation)) return found.get(addressOf(operation)) ?? null;
        if (isSearch(operation)) return this.#search(operation);
        if (isPut(operation)) return undefined;
        return this.#listNamespaces(operation as ListNamespacesOperation);
      }),
    );
    await this.#write(operations.filter(isPut));
    return results as OperationResults<Op>;
  }

  async #search(operation: SearchOperation): Promise<SearchItem[]> {
    const { namespacePrefix, filter, query, limit = SEARCH_LIMIT_DEFAULT, offset = 0 } = operation;
    return this.#items.searchItems({ namespacePrefix, filter, query, limit, offset });
  }

  #listNamespaces(operation: ListNamespacesOperation): Promise<string[][]> {
    const matches = operation.matchConditions ?? [];
    return this.#items.listNamespaces({
      conditions: matches.map(({ matchType, path }) => ({ side: matchType, labels: path })),
      depthMax: operation.maxDepth,
      limit: operation.limit,
      offset: operation.offset,
    });
  }

  async #write(operations: PutOperation[]): Promise<void> {
    const last = new Map(operations.map((operation) => [addressOf(operation), operation]));
    const puts: NewStoreItem[] = [];
    const deletions: StoreAddress[] = [];
    for (const { namespace, key, value, index } of last.values()) {
      if (value === null) deletions.push({ namespace, key });
      else puts.push({ namespace, key, value, index: index ?? undefined });
    }
    await this.#items.writeItems(puts, deletions);
  }
}

function isGet(operation: Operation): operation is GetOperation {
  return "key" in operation && !("value" in operation);
}

function isPut(operation: Operation): operation is PutOperation {
  return "value" in operation;
}

function isSearch(operation: Operation): operation is SearchOperation {
  return "namespacePrefix" in operation;
}

function addressOf({ namespace, key }: StoreAddress | Item): string {
  return JSON.stringify([namespace, key]);
}
