// LangGraph's own conformance suite for checkpointers, complete, including the opt-in tests of delta channels; with contents stored
// as they are, and once more encrypted.
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { EncryptionKey } from "../../domain/encryption-key.ts";
import { openPool } from "../pool.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { HoldfastSaver } from "./saver.ts";

// The suite expects the test framework's functions as globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });

function initializerFor(checkpointerName: string, encryptionKeys: readonly EncryptionKey[]) {
  let database: TestDatabase;
  let pool: Pool;
  return {
    checkpointerName,
    async beforeAll() {
      database = await openTestDatabase();
      pool = openPool(database.url, { encryptionKeys });
    },
    async afterAll() {
      await pool.end();
      await database.close();
    },
    createCheckpointer: () => new HoldfastSaver({ pool }),
    async destroyCheckpointer() {
      await pool.query("truncate checkpoint, checkpoint_item, checkpoint_write");
    },
  };
}

const KEYS = [{ keyId: "conformance", secret: new Uint8Array(32).fill(7) }];

for (const [name, keys] of [
  ["HoldfastSaver", []],
  ["HoldfastSaver, encrypted", KEYS],
] as const) {
  validate(initializerFor(name, keys));
  describe(`delta channels of ${name}`, () => {
    const initializer = initializerFor(name, keys);
    beforeAll(() => initializer.beforeAll());
    afterAll(() => initializer.afterAll());
    deltaChannelHistoryTests(initializer);
  });
}
