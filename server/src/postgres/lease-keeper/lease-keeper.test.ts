// The lease keeper: leases stay alive while the main thread is stuck, and the log learns where it was stuck.
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { mintId } from "../../domain/ids.ts";
import type { Blockage } from "../../domain/ports/lease-keeper.ts";
import type { LeaseRenewal } from "../../domain/ports/run-queue.ts";
import { openTestDatabase } from "../testing/test-database.ts";
import { startLeaseKeeper } from "./lease-keeper.ts";

const LEASE_MS = 1_500;

let database: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function insertRunning(workerId: string) {
  const [threadId, runId] = [mintId(), mintId()];
  await database.pool.query("insert into thread (thread_id, status, epoch, active_count) values ($1, 'busy', 1, 1)", [
    threadId,
  ]);
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, kwargs, multitask_strategy, epoch, lease_owner, lease_expires_at)
     values ($1, $2, $1, 'running', '{}', 'enqueue', 1, $3, now() + $4 * interval '1 millisecond')`,
    [runId, threadId, workerId, LEASE_MS],
  );
  return { threadId, runId, epoch: "1" };
}

function blockMainThread(durationMs: number): void {
  for (const endMs = Date.now() + durationMs; Date.now() < endMs; );
}

it("renews leases while the main thread is blocked, and says for how long and where it was", async () => {
  const fence = await insertRunning("w1");
  const renewals: LeaseRenewal[] = [];
  const blockages: Blockage[] = [];
  const keeper = startLeaseKeeper(
    { url: database.url, workerId: "w1", leaseDurationMs: LEASE_MS, heartbeatIntervalMs: 200 },
    {
      renewed: (renewal) => renewals.push(renewal),
      failed: (error) => expect.fail(error.message),
      blocked: (blockage) => blockages.push(blockage),
    },
  );
  keeper.hold(fence);
  await vi.waitFor(() => expect(renewals.length).toBeGreaterThan(0), 10_000);
  blockMainThread(LEASE_MS * 2);
  const { rows } = await database.pool.query("select lease_expires_at > now() as is_held from run where run_id = $1", [
    fence.runId,
  ]);
  expect(rows).toEqual([{ is_held: true }]);
  await vi.waitFor(() => expect(blockages).toHaveLength(1), 5_000);
  expect(blockages[0]!.blockedMs).toBeGreaterThan(LEASE_MS);
  expect(blockages[0]!.runIds).toEqual([fence.runId]);
  expect(blockages[0]!.where).toContain("blockMainThread");

  await database.pool.query("update thread set epoch = 2 where thread_id = $1", [fence.threadId]);
  await database.pool.query("update run set epoch = 2 where run_id = $1", [fence.runId]);
  await vi.waitFor(() => expect(renewals.at(-1)?.lost).toEqual([fence.runId]), 5_000);
  await keeper[Symbol.asyncDispose]();
});
