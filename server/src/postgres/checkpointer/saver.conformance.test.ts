// LangGraph's own conformance suite for checkpointers, complete, including the opt-in tests of delta channels.
import { deltaChannelHistoryTests, validate } from "@langchain/langgraph-checkpoint-validation";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { HoldfastSaver } from "./saver.ts";

// The suite expects the test framework's functions as globals.
Object.assign(globalThis, { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it });

let database: TestDatabase;

const initializer = {
  checkpointerName: "HoldfastSaver",
  async beforeAll() {
    database = await openTestDatabase();
  },
  async afterAll() {
    await database.close();
  },
  createCheckpointer: () => new HoldfastSaver({ pool: database.pool }),
  async destroyCheckpointer() {
    await database.pool.query("truncate checkpoint, checkpoint_item, checkpoint_write");
  },
};

validate(initializer);
// The first suite ends with its afterAll; the second gets a database of its own.
describe("delta channels", () => {
  beforeAll(() => initializer.beforeAll());
  afterAll(() => initializer.afterAll());
  deltaChannelHistoryTests(initializer);
});
