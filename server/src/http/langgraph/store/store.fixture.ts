// For tests of the doors: a store in memory that remembers what it was asked.
import type { NewStoreItem, StoreItem, StoreRepository } from "../../../domain/ports/store-repository.ts";

export interface FakeStore extends StoreRepository {
  /** Arguments of each call after its name. */
  readonly calls: [string, ...unknown[]][];
}

export function createFakeStore(): FakeStore {
  const items = new Map<string, StoreItem>();
  const calls: FakeStore["calls"] = [];
  const addressOf = (namespace: string[], key: string) => JSON.stringify([namespace, key]);
  return {
    calls,
    async putItem(item: NewStoreItem, access) {
      calls.push(["putItem", item, access]);
      const { namespace, key, value } = item;
      const now = new Date("2026-01-02T03:04:05.678Z");
      items.set(addressOf(namespace, key), { namespace, key, value, createdAt: now, updatedAt: now });
    },
    async getItem(namespace, key, options, access) {
      calls.push(["getItem", namespace, key, options, access]);
      return access ? undefined : items.get(addressOf(namespace, key));
    },
    async deleteItem(namespace, key, access) {
      calls.push(["deleteItem", namespace, key, access]);
      items.delete(addressOf(namespace, key));
    },
    async searchItems(query, access) {
      calls.push(["searchItems", query, access]);
      const found = [...items.values()].filter(({ namespace }) =>
        query.namespacePrefix.every((label, index) => namespace[index] === label),
      );
      return query.query === "cats" ? found.map((item) => ({ ...item, score: 0.5 })) : found;
    },
    async listNamespaces(query, access) {
      calls.push(["listNamespaces", query, access]);
      return [...items.values()].map(({ namespace }) => namespace);
    },
    sweepExpiredItems: async () => 0,
  };
}
