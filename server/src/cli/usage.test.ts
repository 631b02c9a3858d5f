// `holdfast usage` from outside: what was spent is summed up by whatever was asked for, and a mistake is answered with what is allowed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mintId } from "../domain/ids.ts";
import { NO_USAGE } from "../domain/usage.ts";
import { openTestDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { PostgresUsageLedger } from "../postgres/usage/usage-ledger.ts";
import { runCli } from "./testing/cli-process.ts";

let database: TestDatabase;
const threadId = mintId();
beforeAll(async () => {
  database = await openTestDatabase();
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 1)", [threadId]);
  const ledger = new PostgresUsageLedger(database.pool);
  for (const [model, cost] of [
    ["gpt-4o", 0.25],
    ["gpt-4o", 1.5],
    ["in-house", null],
  ] as const) {
    const callId = mintId();
    const owner = { assistantId: mintId(), graphId: "g", userId: "ada", tenantId: null, runAttempt: 1, callAttempt: 1 };
    const reserved = { estimatedInputTokens: 5, reservedTokens: 0, reservedCost: 0 };
    const call = { callId, ...owner, node: "n", provider: "openai", model, ...reserved };
    await ledger.reserveCall({ threadId, runId: mintId(), epoch: "1" }, call, []);
    const usage = { ...NO_USAGE, inputTokens: 1_000, cachedInputTokens: 400, outputTokens: 50 };
    const ended = { outcome: "completed" as const, isEstimated: false, error: null, providerCallId: null };
    const times = { latencyMs: 20, firstTokenMs: null };
    await ledger.settleCall(callId, { ...usage, ...ended, cost, priceSource: null, ...times });
  }
});
afterAll(() => database.close());

const usage = (...args: string[]) => runCli(["usage", ...args], { env: { DATABASE_URL: database.url } });

describe("holdfast usage", () => {
  test("prints a table by model, and says what has no price", async () => {
    const { code, output } = await usage();
    expect(code).toBe(0);
    expect(output.trim().split("\n")).toEqual([
      "MODEL     CALLS  FAILED  INPUT  CACHED  OUTPUT  COST     MEAN MS",
      "gpt-4o    2      0       2000   800     100     $1.75    20",
      "in-house  1      0       1000   400     50      unknown  20",
    ]);
  });

  test("sums up by several keys, filtered, as JSON", async () => {
    const { output } = await usage("--by", "user,day", "--thread", threadId, "--since", "1h", "--json");
    expect(JSON.parse(output)).toMatchObject([
      { user_id: "ada", day: new Date().toISOString().slice(0, 10), calls: 3, unpriced_calls: 1, cost_usd: 1.75 },
    ]);
    expect((await usage("--user", "bob")).output.trim()).toBe("No calls of models.");
  });

  test.each([
    [["--by", "colour"], /"colour" is none of run_id, thread_id/],
    [["--since", "soon"], /a day such as 2026-01-31, or an age such as 24h/],
    [["--thread", "7"], /must be a UUID/],
    [["--limit", "0"], /whole number from 1/],
  ])("answers %j with what is allowed", async (args, words) => {
    const { code, output } = await usage(...args);
    expect(code).not.toBe(0);
    expect(output).toMatch(words);
  });
});
