// Proves what the store adds to LangGraph's on a PostgreSQL without extensions.
import { openTestDatabase } from "../testing/test-database.ts";
import { testStoreRepository } from "./store-repository.contract.ts";

testStoreRepository("plain", () => openTestDatabase());
