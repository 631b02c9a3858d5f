// The store's suite on a database with pgvector: every match compared by the extension, and by its index.
import { describe } from "vitest";
import { openPgvectorDatabase } from "../testing/pgvector-database.ts";
import { testStoreRepository } from "./store-repository.contract.ts";

describe("by pgvector, every match", () => testStoreRepository("exact", openPgvectorDatabase));
describe("by pgvector's index", () => testStoreRepository("indexed", openPgvectorDatabase));
