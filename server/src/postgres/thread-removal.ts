// Removing threads with everything that hangs on them.
import type { PoolClient } from "pg";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { execute } from "./statement.ts";
import { IS_VISIBLE_THREAD } from "./thread-row.ts";

/** Threads whose runs and events are deleted by one statement; bounds the list of run ids in memory. */
const DELETE_BATCH_MAX = 500;

/**
 * Deletes the visible threads `t` that satisfy the condition, inside the caller's transaction; returns how many.
 * Their rows are locked first: a worker's write in flight is waited for and deleted too, a later one finds no thread and is
 * refused. Webhook notices not yet delivered stay, since their payload is whole and their receiver was promised one.
 */
export async function deleteThreadsWhere(
  client: PoolClient,
  condition: string,
  values: unknown[],
  checkpoints: CheckpointTables,
): Promise<number> {
  // In order of id, so that two removals never wait for each other in a circle.
  const locked = await execute<{ thread_id: string }>(
    client,
    `select t.thread_id from thread t where ${IS_VISIBLE_THREAD} and (${condition}) order by t.thread_id for update`,
    values,
  );
  const threadIds = locked.map((row) => row.thread_id);
  for (let start = 0; start < threadIds.length; start += DELETE_BATCH_MAX) {
    await deleteLockedThreads(client, threadIds.slice(start, start + DELETE_BATCH_MAX), checkpoints);
  }
  return threadIds.length;
}

/** Deletes threads whose rows the caller has locked. */
export async function deleteLockedThreads(
  client: PoolClient,
  threadIds: string[],
  checkpoints: CheckpointTables,
): Promise<void> {
  const runs = await execute<{ run_id: string }>(
    client,
    "delete from run where thread_id = any($1::uuid[]) returning run_id",
    [threadIds],
  );
  await deleteRunTraces(
    client,
    runs.map((row) => row.run_id),
  );
  await checkpoints.deleteThreadCheckpoints(client, threadIds);
  await execute(client, "delete from thread where thread_id = any($1::uuid[])", [threadIds]);
}

/** Deletes the events of runs and their delivered webhook notices. */
export async function deleteRunTraces(client: PoolClient, runIds: string[]): Promise<void> {
  if (runIds.length === 0) return;
  await execute(client, "delete from run_event where run_id = any($1::uuid[])", [runIds]);
  await execute(client, "delete from webhook_delivery where run_id = any($1::uuid[]) and status <> 'pending'", [
    runIds,
  ]);
}
