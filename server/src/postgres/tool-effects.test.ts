// Effects as rows: who may carry out a call, what a repeated statement comes to, and that a worker without its lease writes nothing.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LeaseLostError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { EffectOutcome } from "../domain/ports/tool-effects.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";
import { copyToolEffects, PostgresToolEffects } from "./tool-effects.ts";

let database: TestDatabase;
let effects: PostgresToolEffects;
let fence: Fence;

beforeAll(async () => {
  database = await openTestDatabase();
  effects = new PostgresToolEffects(database.pool);
});
afterAll(() => database.close());
beforeEach(async () => {
  fence = { threadId: await addThread(), runId: mintId(), epoch: "1" };
});

async function addThread(): Promise<string> {
  const threadId = mintId();
  await database.pool.query("insert into thread (thread_id, epoch) values ($1, 1)", [threadId]);
  return threadId;
}

/** A takeover: the old fence is worth nothing from now on. */
async function takeOver(): Promise<Fence> {
  await database.pool.query("update thread set epoch = epoch + 1 where thread_id = $1", [fence.threadId]);
  return { ...fence, epoch: String(Number(fence.epoch) + 1) };
}

const call = (name = "pay", isIdempotent = false, argsJson = '{"order":7}') => ({
  keyDigest: createHash("sha256").update(name).digest(),
  toolName: name,
  argsJson,
  isIdempotent,
});
const finished: EffectOutcome = { status: "finished", result: '"paid\0"', error: null, decisionCount: 0 };

const readRows = async (threadId = fence.threadId) =>
  (
    await database.pool.query("select effect_id, status, attempt, result from tool_effect where thread_id = $1", [
      threadId,
    ])
  ).rows;

test("a new call is reserved; finished, it is never carried out again, and its result comes back", async () => {
  const found = await effects.reserveEffect(fence, call());
  expect(found.kind).toBe("reserved");
  await effects.settleEffect(fence, found.effectId, finished);
  const later = await takeOver();
  const again = await effects.reserveEffect(later, call());
  expect(again).toMatchObject({ kind: "settled", effectId: found.effectId, result: '"paid\uFFFD"' });
});

test("a call broken off is unknown, also to the third who asks; declared idempotent it is reserved again under its id", async () => {
  const once = await effects.reserveEffect(fence, call("once"));
  const often = await effects.reserveEffect(fence, call("often", true));
  const later = await takeOver();
  for (let time = 0; time < 2; time++) {
    const found = await effects.reserveEffect(later, call("once"));
    expect(found).toMatchObject({ kind: "unknown", effectId: once.effectId, otherUnknownCount: 0 });
  }
  expect(await effects.reserveEffect(later, call("often", true))).toMatchObject({
    kind: "reserved",
    effectId: often.effectId,
  });
});

test("a call that failed by its own word may be carried out again", async () => {
  const found = await effects.reserveEffect(fence, call());
  await effects.settleEffect(fence, found.effectId, { status: "failed", result: null, error: "no", decisionCount: 0 });
  expect(await effects.reserveEffect(fence, call())).toMatchObject({ kind: "reserved", effectId: found.effectId });
});

test("a retry by a person's word counts its answer", async () => {
  const { effectId } = await effects.reserveEffect(fence, call());
  const later = await takeOver();
  await effects.reserveEffect(later, call());
  await effects.retryEffect(later, effectId, 1);
  expect(await readRows()).toMatchObject([{ status: "reserved", attempt: 2 }]);
  expect(await effects.reserveEffect(later, call())).toMatchObject({ kind: "unknown", decisionCount: 1 });
});

test("a call like one of unknown outcome is taken for it, one with other arguments is not", async () => {
  const { effectId } = await effects.reserveEffect(fence, call());
  const later = await takeOver();
  await effects.reserveEffect(later, call());
  const otherKey = { ...call(), keyDigest: createHash("sha256").update("another task").digest() };
  expect(await effects.reserveEffect(later, otherKey)).toMatchObject({ kind: "unknown", effectId });
  const otherArgs = { ...otherKey, argsJson: '{"order":8}' };
  expect((await effects.reserveEffect(later, otherArgs)).kind).toBe("reserved");
});

test("a hundred at once reserve one call once", async () => {
  const found = await Promise.all(Array.from({ length: 100 }, () => effects.reserveEffect(fence, call())));
  expect(found.filter(({ kind }) => kind === "reserved")).toHaveLength(1);
  expect(await readRows()).toHaveLength(1);
});

test("a worker that lost its lease reserves, retries and settles nothing", async () => {
  const { effectId } = await effects.reserveEffect(fence, call());
  const later = await takeOver();
  await effects.reserveEffect(later, call());
  const before = await readRows();
  await expect(effects.reserveEffect(fence, call("other"))).rejects.toBeInstanceOf(LeaseLostError);
  await expect(effects.reserveEffect(fence, call())).rejects.toBeInstanceOf(LeaseLostError);
  await expect(effects.retryEffect(fence, effectId, 1)).rejects.toBeInstanceOf(LeaseLostError);
  await expect(effects.settleEffect(fence, effectId, finished)).rejects.toBeInstanceOf(LeaseLostError);
  expect(await readRows()).toEqual(before);
});

test("a copied thread knows what was done, under keys of its own; a deleted one leaves nothing", async () => {
  const { effectId } = await effects.reserveEffect(fence, call());
  await effects.settleEffect(fence, effectId, finished);
  const copyId = await addThread();
  await copyToolEffects(database.pool, fence.threadId, copyId);
  const found = await effects.reserveEffect({ ...fence, threadId: copyId }, call());
  expect(found.kind).toBe("settled");
  expect(found.effectId).not.toBe(effectId);
  await database.pool.query("delete from thread where thread_id = $1", [copyId]);
  expect(await readRows(copyId)).toEqual([]);
});
