// The ledger as rows: budgets hold under concurrency, a call is settled once, estimates give way, dead workers' calls are found.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LeaseLostError } from "../../domain/errors.ts";
import { mintId } from "../../domain/ids.ts";
import type { Fence } from "../../domain/ports/run-queue.ts";
import type { AccountLimit, CallSettlement, NewCall } from "../../domain/ports/usage-ledger.ts";
import { NO_USAGE } from "../../domain/usage.ts";
import { openTestDatabase, type TestDatabase } from "../testing/test-database.ts";
import { PostgresUsageLedger } from "./usage-ledger.ts";
import { PostgresUsageReports } from "./usage-reports.ts";

let database: TestDatabase;
let ledger: PostgresUsageLedger;
let reports: PostgresUsageReports;
let fence: Fence;
let user: string;

beforeAll(async () => {
  database = await openTestDatabase();
  ledger = new PostgresUsageLedger(database.pool);
  reports = new PostgresUsageReports(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  fence = await addThread();
  user = mintId();
});

async function addThread(metadata = {}): Promise<Fence> {
  const threadId = mintId();
  await database.pool.query("insert into thread (thread_id, epoch, metadata) values ($1, 1, $2)", [threadId, metadata]);
  return { threadId, runId: mintId(), epoch: "1" };
}

const call = (fields: Partial<NewCall> = {}): NewCall => ({
  callId: mintId(),
  assistantId: mintId(),
  graphId: "g",
  userId: user,
  tenantId: null,
  runAttempt: 1,
  callAttempt: 1,
  node: "model",
  provider: "openai",
  model: "gpt-4o",
  estimatedInputTokens: 60,
  reservedTokens: 100,
  reservedCost: 0.001,
  ...fields,
});
const settled = (fields: Partial<CallSettlement> = {}): CallSettlement => ({
  ...NO_USAGE,
  inputTokens: 70,
  outputTokens: 20,
  outcome: "completed",
  isEstimated: false,
  error: null,
  providerCallId: null,
  cost: 0.0009,
  priceSource: "test",
  latencyMs: 12,
  firstTokenMs: null,
  ...fields,
});
const ofUser = (
  limit: { tokensMax?: number; costMax?: number },
  period: AccountLimit["period"] = "day",
): AccountLimit => ({
  scope: "user",
  subject: user,
  period,
  ...limit,
});
const account = async (period: AccountLimit["period"] = "day") =>
  (await reports.readAccounts([{ scope: "user", subject: user, period }]))[0];
const entry = async (callId: string) =>
  (await reports.listCalls({ runId: fence.runId, limit: 100, offset: 0 }, undefined)).items.find(
    (each) => each.callId === callId,
  );

describe("a reservation", () => {
  test("is written down before the call, set aside, and replaced by what was used", async () => {
    const made = call();
    const reserved = await ledger.reserveCall(fence, made, [ofUser({ tokensMax: 1_000, costMax: 1 })]);
    expect(reserved).toMatchObject({ isAllowed: true, budgets: [{ tokens: 100, cost: 0.001 }] });
    expect(await entry(made.callId)).toMatchObject({ outcome: "running", cost: null, userId: user, node: "model" });
    await ledger.settleCall(made.callId, settled());
    expect(await account()).toMatchObject({ tokens: 90, cost: 0.0009 });
    expect(await entry(made.callId)).toMatchObject({
      outcome: "completed",
      inputTokens: 70,
      outputTokens: 20,
      cost: 0.0009,
    });
  });

  test("is refused on all budgets when one has no room, and nothing is written", async () => {
    const limits = [ofUser({ tokensMax: 1_000 }), ofUser({ tokensMax: 99 }, "hour")];
    const refused = await ledger.reserveCall(fence, call(), limits);
    expect(refused).toMatchObject({ isAllowed: false, exceeded: [{ period: "hour", tokens: 0, tokensMax: 99 }] });
    expect(await account()).toMatchObject({ tokens: 0 });
    expect((await reports.listCalls({ runId: fence.runId, limit: 10, offset: 0 }, undefined)).total).toBe(0);
    expect(await ledger.reserveCall(fence, call({ reservedTokens: 99 }), limits)).toMatchObject({ isAllowed: true });
  });

  test("of a hundred at once lets in exactly as many as there is room for", async () => {
    const fences = await Promise.all(Array.from({ length: 100 }, () => addThread()));
    const limits = [
      ofUser({ tokensMax: 1_050 }),
      ofUser({ costMax: 1 }, "total"),
      ofUser({ tokensMax: 5_000 }, "month"),
    ];
    const results = await Promise.all(
      fences.map((each, at) => ledger.reserveCall(each, call(), at % 2 === 0 ? limits : [...limits].reverse())),
    );
    expect(results.filter(({ isAllowed }) => isAllowed)).toHaveLength(10);
    expect(await account()).toMatchObject({ tokens: 1_000 });
    expect(await account("total")).toMatchObject({ cost: 0.01 });
    expect(await account("month")).toMatchObject({ tokens: 1_000 });
  });

  test("repeated after a lost answer, reserves nothing more", async () => {
    const made = call();
    const limits = [ofUser({ tokensMax: 150 })];
    await ledger.reserveCall(fence, made, limits);
    expect(await ledger.reserveCall(fence, made, limits)).toMatchObject({ isAllowed: true });
    expect(await account()).toMatchObject({ tokens: 100 });
  });

  test("of a worker that lost the thread is refused", async () => {
    await database.pool.query("update thread set epoch = epoch + 1 where thread_id = $1", [fence.threadId]);
    await expect(ledger.reserveCall(fence, call(), [])).rejects.toThrow(LeaseLostError);
    await expect(ledger.reserveCall(fence, call(), [ofUser({ tokensMax: 1_000 })])).rejects.toThrow(LeaseLostError);
    expect(await account()).toMatchObject({ tokens: 0 });
  });

  test("in a new period finds a new account", async () => {
    const limits = [ofUser({ tokensMax: 100 })];
    expect(await ledger.reserveCall(fence, call(), limits)).toMatchObject({ isAllowed: true });
    expect(await ledger.reserveCall(fence, call(), limits)).toMatchObject({ isAllowed: false });
    await database.pool.query(
      `update budget_account set period_start = period_start - interval '1 day', period_end = period_end - interval '1 day'
       where subject = $1`,
      [user],
    );
    expect(await ledger.reserveCall(fence, call(), limits)).toMatchObject({ isAllowed: true });
  });
});

describe("a settlement", () => {
  test("counts once, however often it comes", async () => {
    const made = call();
    await ledger.reserveCall(fence, made, [ofUser({ tokensMax: 1_000 })]);
    await Promise.all(Array.from({ length: 5 }, () => ledger.settleCall(made.callId, settled())));
    await ledger.settleCall(made.callId, settled({ inputTokens: 1 }));
    expect(await account()).toMatchObject({ tokens: 90, cost: 0.0009 });
  });

  test("needs no lease, and what the provider told replaces an estimate but not the other way round", async () => {
    const made = call();
    await ledger.reserveCall(fence, made, [ofUser({ tokensMax: 1_000 })]);
    await database.pool.query("delete from thread where thread_id = $1", [fence.threadId]);
    await ledger.settleCall(
      made.callId,
      settled({ outcome: "aborted", isEstimated: true, outputTokens: 3, cost: null }),
    );
    expect(await account()).toMatchObject({ tokens: 73, cost: 0 });
    await ledger.settleCall(made.callId, settled());
    expect(await account()).toMatchObject({ tokens: 90, cost: 0.0009 });
    await ledger.settleCall(made.callId, settled({ outcome: "aborted", isEstimated: true, outputTokens: 3 }));
    expect(await entry(made.callId)).toMatchObject({ outcome: "completed", isEstimated: false, outputTokens: 20 });
  });

  test("of calls whose worker died is left to others, once the thread is no longer that worker's", async () => {
    const made = call();
    await ledger.reserveCall(fence, made, []);
    await database.pool.query("update usage_entry set started_at = now() - interval '1 hour' where call_id = $1", [
      made.callId,
    ]);
    const found = async () => (await ledger.findAbandonedCalls(1_000)).filter(({ callId }) => callId === made.callId);
    expect(await found()).toEqual([]);
    await database.pool.query("update thread set epoch = epoch + 1 where thread_id = $1", [fence.threadId]);
    expect(await found()).toEqual([
      { callId: made.callId, provider: "openai", model: "gpt-4o", estimatedInputTokens: 60 },
    ]);
  });
});

test("reports sum up by any key, keep to what the caller may see, and say what has no price", async () => {
  const mine = await addThread({ owner: "me", team: user });
  const theirs = await addThread({ owner: "them" });
  for (const [of, fields] of [
    [mine, { cost: 0.5 }],
    [mine, { cost: null, outcome: "failed" as const }],
    [theirs, { cost: 2 }],
  ] as const) {
    const made = call({ model: of === mine ? "a" : "b" });
    await ledger.reserveCall(of, made, []);
    await ledger.settleCall(made.callId, settled(fields));
  }
  const mineOnly = { equals: { key: "owner", value: "me" } };
  const query = { userId: user, limit: 10, offset: 0 };
  const all = await reports.sumUsage({ ...query, keys: ["model"] }, undefined);
  expect(all.items.map(({ keys, cost, unpricedCount }) => [keys.model, cost, unpricedCount])).toEqual([
    ["b", 2, 0],
    ["a", 0.5, 1],
  ]);
  const seen = await reports.sumUsage({ ...query, keys: ["day", "thread_id"] }, mineOnly);
  expect(seen.items).toMatchObject([
    {
      keys: { day: new Date().toISOString().slice(0, 10), thread_id: mine.threadId },
      callCount: 2,
      failedCount: 1,
      inputTokens: 140,
    },
  ]);
  expect((await reports.sumUsage({ ...query, keys: [], model: "none" }, undefined)).items).toEqual([]);
  expect((await reports.listCalls(query, mineOnly)).total).toBe(2);
});

test("old entries and accounts go; what is running stays", async () => {
  const [old, running] = [call(), call()];
  await ledger.reserveCall(fence, old, [{ scope: "run", subject: fence.runId, period: "total", tokensMax: 1_000 }]);
  await ledger.reserveCall(fence, running, []);
  await ledger.settleCall(old.callId, settled());
  await database.pool.query("update usage_entry set started_at = now() - interval '2 days' where run_id = $1", [
    fence.runId,
  ]);
  await database.pool.query("update budget_account set updated_at = now() - interval '2 days' where subject = $1", [
    fence.runId,
  ]);
  expect(await ledger.removeOldUsage({ olderThanMs: 86_400_000, countMax: 100 })).toBe(2);
  expect(await entry(old.callId)).toBeUndefined();
  expect(await entry(running.callId)).toMatchObject({ outcome: "running" });
});
