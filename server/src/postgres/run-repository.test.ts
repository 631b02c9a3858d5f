// Proves what the run repository promises on a real PostgreSQL: lists, rules that come from the thread, and safe deletion.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ConflictError, NotFoundError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { JsonObject } from "../domain/json.ts";
import type { RunStatus } from "../domain/run.ts";
import { PostgresRunRepository } from "./run-repository.ts";
import { recordingCheckpointTables } from "./testing/recording-checkpoint-tables.ts";
import { openTestDatabase, type TestDatabase } from "./testing/test-database.ts";

let database: TestDatabase;
let runs: PostgresRunRepository;
const checkpoints = recordingCheckpointTables();

beforeAll(async () => {
  database = await openTestDatabase();
  // Counted from 0 here, so that the tests can read how often an epoch was raised.
  await database.pool.query("alter table thread alter column epoch set default 0");
  runs = new PostgresRunRepository(database.pool, checkpoints);
});
afterAll(() => database.close());
beforeEach(() => database.pool.query("truncate thread, run, run_event, webhook_delivery cascade"));

const ownedBy = (owner: string) => ({ equals: { key: "owner", value: owner } });

async function addThread(
  fields: { metadata?: JsonObject; interrupts?: JsonObject; error?: JsonObject } = {},
): Promise<string> {
  const threadId = mintId();
  await database.pool.query("insert into thread (thread_id, metadata, interrupts, error) values ($1, $2, $3, $4)", [
    threadId,
    fields.metadata ?? {},
    fields.interrupts ?? {},
    fields.error ?? null,
  ]);
  return threadId;
}

/** As admission and claim leave it: active runs are counted on the thread, and what was claimed has started. */
async function addRun(threadId: string, status: RunStatus, metadata: JsonObject = {}): Promise<string> {
  const runId = mintId();
  await database.pool.query(
    `insert into run (run_id, thread_id, assistant_id, status, metadata, kwargs, multitask_strategy, started_at)
     values ($1, $2, $3, $4, $5, '{"streamMode": ["values"]}', 'enqueue', case when $4 = 'pending' then null else now() end)`,
    [runId, threadId, mintId(), status, metadata],
  );
  await database.pool.query("insert into run_event (run_id, seq, event, data) values ($1, 0, 'metadata', '{}')", [
    runId,
  ]);
  if (status === "pending" || status === "running") {
    await database.pool.query(
      "update thread set active_count = active_count + 1, status = 'busy' where thread_id = $1",
      [threadId],
    );
  }
  return runId;
}

async function threadRow(threadId: string): Promise<Record<string, unknown>> {
  const { rows } = await database.pool.query("select * from thread where thread_id = $1", [threadId]);
  return rows[0];
}

test("finds a run by id, and by its thread only where it belongs", async () => {
  const [threadId, otherId] = [await addThread(), await addThread()];
  const runId = await addRun(threadId, "success", { a: 1 });
  const run = await runs.findRun(runId);
  expect(run).toMatchObject({
    runId,
    threadId,
    status: "success",
    metadata: { a: 1 },
    kwargs: { streamMode: ["values"] },
  });
  expect(await runs.findRun(runId, threadId)).toEqual(run);
  expect(await runs.findRun(runId, otherId)).toBeUndefined();
  expect(await runs.findRun(mintId())).toBeUndefined();
});

test("lists newest first, by status, in pages without gap or repeat", async () => {
  const threadId = await addThread();
  const ids: string[] = [];
  for (let n = 0; n < 9; n++) ids.unshift(await addRun(threadId, n % 3 ? "success" : "error"));
  await addRun(await addThread(), "success");
  const list = async (query: { status?: RunStatus; limit: number; offset: number }) =>
    (await runs.listRuns({ threadId, ...query })).map((run) => run.runId);
  expect(await list({ limit: 100, offset: 0 })).toEqual(ids);
  expect(await list({ limit: 4, offset: 4 })).toEqual(ids.slice(4, 8));
  expect(await list({ limit: 4, offset: 40 })).toEqual([]);
  expect(await list({ status: "error", limit: 2, offset: 1 })).toEqual([ids[5], ids[8]]);
  // Runs of one transaction share their time; the id keeps their order total.
  await database.pool.query("update run set created_at = now()");
  expect([...(await list({ limit: 5, offset: 0 })), ...(await list({ limit: 5, offset: 5 }))].sort()).toEqual(
    ids.sort(),
  );
});

test("whoever may not see the thread sees none of its runs, whatever their own metadata says", async () => {
  const threadId = await addThread({ metadata: { owner: "a" } });
  const runId = await addRun(threadId, "pending", { owner: "b" });
  const other = ownedBy("b");
  expect(await runs.findRun(runId, threadId, other)).toBeUndefined();
  expect(await runs.listRuns({ threadId, limit: 10, offset: 0 }, other)).toEqual([]);
  expect(await runs.findRunIds({ statuses: ["pending"] }, other)).toEqual([]);
  expect(await runs.findRunIds({ runIds: [runId], statuses: ["pending"] }, other)).toEqual([]);
  await expect(runs.deleteRun(runId, threadId, other)).rejects.toThrow(new NotFoundError("Run not found"));
  expect(await runs.findRun(runId, threadId, ownedBy("a"))).toBeDefined();
});

test("runs of a temporary thread that has ended are gone", async () => {
  const threadId = await addThread();
  const runId = await addRun(threadId, "success");
  await database.pool.query("update thread set is_temporary = true, ended_at = now()");
  expect(await runs.findRun(runId)).toBeUndefined();
  expect(await runs.listRuns({ threadId, limit: 10, offset: 0 })).toEqual([]);
  await expect(runs.deleteRun(runId, threadId)).rejects.toThrow(NotFoundError);
});

test("finds runs to cancel by status, thread and id, oldest first", async () => {
  const [a, b] = [await addThread(), await addThread()];
  const running = await addRun(a, "running");
  const waiting = [await addRun(a, "pending"), await addRun(b, "pending")];
  const done = await addRun(b, "success");
  const found = async (query: Parameters<typeof runs.findRunIds>[0]) =>
    (await runs.findRunIds(query)).map((run) => run.runId);
  expect(await found({ statuses: ["pending", "running", "pending"] })).toEqual([running, ...waiting]);
  expect(await found({ statuses: ["running"] })).toEqual([running]);
  expect(await found({ statuses: ["pending"], threadId: b })).toEqual([waiting[1]]);
  expect(await found({ statuses: ["pending", "running"], runIds: [done, waiting[0]!] })).toEqual([waiting[0]]);
  expect(await found({ statuses: ["success"], runIds: [] })).toEqual([]);
  expect(await found({ statuses: [] })).toEqual([]);
  expect(await runs.findRunIds({ statuses: ["running"] })).toEqual([{ runId: running, threadId: a }]);
});

test("deleting an ended run takes its traces and checkpoints, and the thread shows the newest state left", async () => {
  const threadId = await addThread({ error: { error: "Boom" } });
  const [kept, runId] = [await addRun(threadId, "success"), await addRun(threadId, "error")];
  await database.pool.query(`update thread set status = 'error', "values" = '{"topic": "new"}'`);
  checkpoints.heads.set(threadId, {
    checkpointId: "c1",
    valuesJson: '{"topic":"old"}',
    omittedChannels: ["messages"],
    interrupts: { task: [{ id: "i" }] },
  });
  await runs.deleteRun(runId, threadId);
  expect(checkpoints.deletedRuns).toContain(runId);
  expect(await runs.findRun(runId)).toBeUndefined();
  expect((await database.pool.query("select run_id from run_event")).rows).toEqual([{ run_id: kept }]);
  expect(await threadRow(threadId)).toMatchObject({
    status: "interrupted",
    values: { topic: "old" },
    omitted_channels: ["messages"],
    head_checkpoint_id: "c1",
    interrupts: { task: [{ id: "i" }] },
    error: null,
    epoch: "1",
  });
  checkpoints.heads.delete(threadId);
  await runs.deleteRun(kept, threadId);
  expect(await threadRow(threadId)).toMatchObject({
    status: "idle",
    values: null,
    head_checkpoint_id: null,
    interrupts: {},
  });
  await expect(runs.deleteRun(kept, threadId)).rejects.toThrow(new NotFoundError("Run not found"));
});

test("a running run is not deleted, nor an ended one under a running one; a pending one is, and frees its thread", async () => {
  const threadId = await addThread({ interrupts: { task: [] } });
  const ended = await addRun(threadId, "success");
  const pending = await addRun(threadId, "pending");
  const running = await addRun(threadId, "running");
  await expect(runs.deleteRun(running, threadId)).rejects.toThrow(ConflictError);
  await expect(runs.deleteRun(ended, threadId)).rejects.toThrow(ConflictError);
  await runs.deleteRun(pending, threadId);
  expect(await threadRow(threadId)).toMatchObject({ active_count: 1, status: "busy", epoch: "0" });
  expect(checkpoints.deletedRuns).not.toContain(pending);
  await expect(runs.deleteRun(ended, await addThread())).rejects.toThrow(NotFoundError);

  const alone = await addThread({ interrupts: { task: [] } });
  await runs.deleteRun(await addRun(alone, "pending"), alone);
  expect(await threadRow(alone)).toMatchObject({ active_count: 0, status: "interrupted" });
});

test("a claim that comes between is seen: the run it took is not deleted", async () => {
  const threadId = await addThread();
  const runId = await addRun(threadId, "pending");
  const worker = await database.pool.connect();
  try {
    await worker.query("begin");
    await worker.query("update thread set epoch = epoch + 1 where thread_id = $1", [threadId]);
    await worker.query("update run set status = 'running', started_at = now() where run_id = $1", [runId]);
    const deletion = runs.deleteRun(runId, threadId);
    const outcome = expect(deletion).rejects.toThrow(ConflictError);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await worker.query("commit");
    await outcome;
  } finally {
    worker.release();
  }
  expect(await runs.findRun(runId)).toMatchObject({ status: "running" });
});
