// The run queue against a real PostgreSQL: admission, claim, lease, end, and the fence on every kind of write.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LeaseLostError, NotFoundError, ThreadBusyError } from "../domain/errors.ts";
import { mintId } from "../domain/ids.ts";
import type { ClaimedRun, Fence, RunEnd } from "../domain/ports/run-queue.ts";
import { type MultitaskStrategy, type NewRun, RUN_TRANSITIONS } from "../domain/run.ts";
import type { ReadOmittedValues } from "./checkpoint-tables.ts";
import { PostgresEventLog } from "./event-log.ts";
import { openListener } from "./listener.ts";
import { PostgresRunQueue } from "./run-queue.ts";
import { PostgresStateFences } from "./state-fence.ts";
import { newRun } from "./testing/new-run.ts";
import { openTestDatabase } from "./testing/test-database.ts";

const LEASE_MS = 60_000;
const SUCCESS: RunEnd = { status: "success", error: null, events: [], isThreadInterrupted: false, interrupts: {} };

let database: Awaited<ReturnType<typeof openTestDatabase>>;
let queue: PostgresRunQueue;
let log: PostgresEventLog;
const runsWithCheckpointsDeleted: string[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  queue = new PostgresRunQueue(database.pool, async (_client, _threadId, runId) => {
    runsWithCheckpointsDeleted.push(runId);
  });
  log = new PostgresEventLog(database.pool, readLists);
});
afterAll(() => database.close());

/** Every statement of this file runs under a trigger that refuses a move which the table of legal moves does not have. */
beforeAll(async () => {
  const moves = Object.entries(RUN_TRANSITIONS).flatMap(([from, targets]) =>
    targets.map((to) => `('${from}', '${to}')`),
  );
  await database.pool.query(`
    create function refuse_illegal_move() returns trigger language plpgsql as $$
    begin
      if old.status <> new.status and (old.status, new.status) not in (${moves.join(", ")}) then
        raise exception 'illegal move of a run from % to %', old.status, new.status;
      end if;
      return new;
    end $$;
    create trigger legal_moves before update on run for each row execute function refuse_illegal_move()`);
});
beforeEach(() => database.pool.query("truncate thread, run, run_event, webhook_delivery cascade"));

/** Stands in for the checkpoints: every list says where it came from. */
const readLists: ReadOmittedValues = async (requests) =>
  new Map(
    requests.map(({ threadId, checkpointId, channels }) => [threadId, { [channels[0]!]: [`from ${checkpointId}`] }]),
  );

const admit = (overrides: Partial<NewRun> = {}, claimFor?: string) =>
  queue.admitRun(newRun(overrides), { claimFor, leaseDurationMs: LEASE_MS });
const claim = (countMax = 10, workerId = "w1", leaseDurationMs = LEASE_MS) =>
  queue.claimRuns({ workerId, countMax, leaseDurationMs });
const sweep = (attemptMax = 3) =>
  queue.sweepExpiredLeases({ sweeperId: "sweeper", attemptMax, countMax: 100, leaseDurationMs: LEASE_MS });

async function claimOne(workerId?: string, leaseDurationMs?: number): Promise<ClaimedRun> {
  const [claimed, ...others] = await claim(1, workerId, leaseDurationMs);
  expect(others).toHaveLength(0);
  expect(claimed).toBeDefined();
  return claimed!;
}

async function threadRow(threadId: string) {
  const { rows } = await database.pool.query("select * from thread where thread_id = $1", [threadId]);
  return rows[0];
}

async function statusOf(runId: string): Promise<string | undefined> {
  return (await log.readStatuses([runId])).get(runId);
}

describe("admission", () => {
  it("creates the thread, marks it busy and claims the run in the same step where a slot is offered", async () => {
    const { run, claimed } = await admit({}, "w1");
    expect(run.status).toBe("running");
    expect(claimed?.fence).toEqual({ threadId: run.threadId, runId: run.runId, epoch: expect.stringMatching(/^\d+$/) });
    expect(await threadRow(run.threadId)).toMatchObject({
      status: "busy",
      active_count: 1,
      epoch: claimed?.fence.epoch,
    });
  });

  it("lays metadata and configurable of the run over those of thread and assistant", async () => {
    const { run: first } = await admit({
      stickyConfig: { configurable: { a: "thread", b: "thread" } },
      metadata: { m: 1 },
    });
    await queue.endRun((await claimOne()).fence, SUCCESS);
    const { run } = await admit({
      threadId: first.threadId,
      assistantConfigurable: { a: "assistant", z: "assistant" },
      assistantMetadata: { m: 0, n: 0 },
      metadata: { own: true },
      kwargs: { ...newRun().kwargs, config: { configurable: { b: "run" } } },
      forcedConfigurable: { run_id: "forced" },
    });
    expect(run.kwargs.config.configurable).toEqual({ a: "thread", z: "assistant", b: "run", run_id: "forced" });
    expect(run.metadata).toMatchObject({ m: 1, n: 0, own: true, graph_id: "g", assistant_id: run.assistantId });
  });

  it("refuses a missing thread unless it may be created", async () => {
    await expect(admit({ ifThreadMissing: "reject" })).rejects.toThrow(NotFoundError);
    expect((await database.pool.query("select 1 from thread")).rows).toHaveLength(0);
  });

  it("has one well-defined outcome for a hundred simultaneous requests with reject", async () => {
    const threadId = mintId();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, () => admit({ threadId, multitaskStrategy: "reject" })),
    );
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(ThreadBusyError);
    expect((await database.pool.query("select 1 from run")).rows).toHaveLength(1);
    expect(await threadRow(threadId)).toMatchObject({ active_count: 1 });
  });

  it("keeps the order of arrival with enqueue and never runs two of one thread at once", async () => {
    const threadId = mintId();
    const runIds: string[] = [];
    for (let i = 0; i < 5; i++) runIds.push((await admit({ threadId })).run.runId);
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      const [first, ...others] = await claim(10);
      expect(others).toHaveLength(0);
      expect(await claim(10)).toHaveLength(0);
      order.push(first!.run.runId);
      await queue.endRun(first!.fence, SUCCESS);
    }
    expect(order).toEqual(runIds);
    expect(await threadRow(threadId)).toMatchObject({ status: "idle", active_count: 0 });
  });

  it.each(["interrupt", "rollback"] as MultitaskStrategy[])(
    "%s ends pending runs and marks the running one",
    async (strategy) => {
      const { run: running } = await admit({}, "w1");
      const { run: pending } = await admit({ threadId: running.threadId });
      const { run, cancelled } = await admit({ threadId: running.threadId, multitaskStrategy: strategy });
      expect(new Set(cancelled.map((entry) => entry.runId))).toEqual(new Set([running.runId, pending.runId]));
      expect(await statusOf(pending.runId)).toBe(strategy === "rollback" ? undefined : "interrupted");
      expect(await statusOf(running.runId)).toBe("running");
      expect(await statusOf(run.runId)).toBe("pending");
      expect(await threadRow(run.threadId)).toMatchObject({ active_count: 2, status: "busy" });
    },
  );
});

describe("claim", () => {
  it("gives each run to exactly one of many concurrent workers", async () => {
    await Promise.all(Array.from({ length: 60 }, () => admit()));
    const claims = await Promise.all(Array.from({ length: 12 }, (_, i) => claim(10, `w${i}`)));
    const runIds = claims.flat().map((claimed) => claimed.run.runId);
    expect(new Set(runIds).size).toBe(runIds.length);
    const rest = await claim(100, "rest");
    expect(runIds.length + rest.length).toBe(60);
  });

  it("leaves a delayed run alone until it is due, and takes larger priorities first", async () => {
    await admit({ delayMs: 60_000 });
    const { run: low } = await admit({ priority: 0 });
    const { run: high } = await admit({ priority: 5 });
    expect((await claim(10)).map((claimed) => claimed.run.runId)).toEqual([high.runId, low.runId]);
  });

  it("the database itself refuses a second running run of a thread", async () => {
    const { run } = await admit({}, "w1");
    const { run: second } = await admit({ threadId: run.threadId });
    await expect(
      database.pool.query("update run set status = 'running' where run_id = $1", [second.runId]),
    ).rejects.toThrow(/run_one_running_per_thread/);
  });
});

describe("sweep", () => {
  it("returns a run whose lease ran out, with a new epoch and its events numbered on", async () => {
    await admit();
    const dead = await claimOne("dead", 1);
    await log.appendEvents(dead.fence, [{ seq: 0, event: "metadata", data: "{}" }]);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await sweep()).requeued).toEqual([dead.run.runId]);
    const again = await claimOne("w2");
    expect(again.run.attempt).toBe(2);
    expect(again.nextEventSeq).toBe(1);
    expect(BigInt(again.fence.epoch)).toBeGreaterThan(BigInt(dead.fence.epoch));
  });

  it("does not wait for the lease of a worker whose beacon went out, and leaves a worker with a beacon alone", async () => {
    const alive = await openListener(database.url, { beacons: ["b:alive"] });
    const { run: abandoned } = await admit({}, "b:dead");
    const { run: kept } = await admit({}, "b:alive");
    expect((await sweep()).requeued).toEqual([]);
    // Not before the server has been up for a while: after a restart nobody has a beacon.
    await expect.poll(async () => (await sweep()).requeued, { timeout: 15_000 }).toEqual([abandoned.runId]);
    await alive.close();
    await expect.poll(async () => (await sweep()).requeued).toEqual([kept.runId]);
  });

  it("hands a run that lost its lease too often to the sweeper, who can end it", async () => {
    const { run } = await admit();
    for (let i = 0; i < 2; i++) {
      await claimOne("dead", 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const swept = await sweep(2);
      expect(swept.exhausted).toHaveLength(i);
      if (i === 1)
        await queue.endRun(swept.exhausted[0]!.fence, {
          ...SUCCESS,
          status: "error",
          error: { error: "E", message: "m" },
        });
    }
    expect(await statusOf(run.runId)).toBe("error");
    expect(await threadRow(run.threadId)).toMatchObject({ status: "error", active_count: 0 });
  });
});

describe("the fence", () => {
  async function staleFence(): Promise<{ stale: Fence; current: Fence }> {
    await admit();
    const { fence: stale } = await claimOne("zombie", 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sweep();
    const { fence: current } = await claimOne("w2");
    return { stale, current };
  }

  it("refuses each kind of write of a stale worker and accepts the current one's", async () => {
    const { stale, current } = await staleFence();
    const event = { seq: 5, event: "values", data: "{}" };
    await expect(log.appendEvents(stale, [event])).rejects.toThrow(LeaseLostError);
    await expect(queue.endRun(stale, { ...SUCCESS, events: [event] })).rejects.toThrow(LeaseLostError);
    await expect(queue.endRolledBackRun(stale)).rejects.toThrow(LeaseLostError);
    await expect(queue.releaseRun(stale, [event])).rejects.toThrow(LeaseLostError);
    const renewal = await queue.renewLeases({ workerId: "zombie", fences: [stale], leaseDurationMs: LEASE_MS });
    expect(renewal.lost).toEqual([stale.runId]);
    expect((await database.pool.query("select 1 from run_event")).rows).toHaveLength(0);
    await log.appendEvents(current, [event]);
    await queue.endRun(current, SUCCESS);
    expect(await statusOf(current.runId)).toBe("success");
  });

  it("refuses a fence of a thread that was deleted and created again under the same id", async () => {
    await admit();
    const { fence } = await claimOne();
    await database.pool.query("delete from run where thread_id = $1", [fence.threadId]);
    await database.pool.query("delete from thread where thread_id = $1", [fence.threadId]);
    await admit({ threadId: fence.threadId }, "w2");
    await expect(log.appendEvents(fence, [{ seq: 0, event: "values", data: "{}" }])).rejects.toThrow(LeaseLostError);
  });

  it("refuses writes after the run has ended, so that a node which ignores its abort signal changes nothing", async () => {
    await admit();
    const { fence } = await claimOne();
    await queue.endRun(fence, { ...SUCCESS, status: "interrupted" });
    await expect(log.appendEvents(fence, [{ seq: 1, event: "values", data: "{}" }])).rejects.toThrow(LeaseLostError);
    await expect(queue.endRun(fence, SUCCESS)).rejects.toThrow(LeaseLostError);
  });

  it("lets no takeover slip in between check and write: an append waits for an uncommitted claim and then fails", async () => {
    await admit();
    const { fence } = await claimOne();
    const takeover = await database.pool.connect();
    await takeover.query("begin");
    await takeover.query("update thread set epoch = epoch + 1 where thread_id = $1", [fence.threadId]);
    const append = log.appendEvents(fence, [{ seq: 0, event: "values", data: "{}" }]);
    const early = await Promise.race([
      append.then(
        () => "written",
        () => "refused",
      ),
      new Promise((resolve) => setTimeout(() => resolve("waiting"), 200)),
    ]);
    expect(early).toBe("waiting");
    await takeover.query("commit");
    takeover.release();
    await expect(append).rejects.toThrow(LeaseLostError);
  });

  it("a state change by hand is refused while a run is active, and loses against a run that starts meanwhile", async () => {
    const fences = new PostgresStateFences(database.pool);
    const { run } = await admit();
    await expect(fences.acquireStateFence(run.threadId)).rejects.toThrow("Thread is busy");
    await queue.endRun((await claimOne()).fence, SUCCESS);
    const fence = await fences.acquireStateFence(run.threadId);
    await admit({ threadId: run.threadId }, "w1");
    const write = {
      checkpoint: { threadId: run.threadId, checkpointNs: "" },
      values: undefined,
      isThreadInterrupted: false,
      interrupts: {},
    };
    await expect(fences.commitStateWrite(fence, write)).rejects.toThrow(LeaseLostError);
    await expect(fences.acquireStateFence(mintId())).rejects.toThrow(NotFoundError);
  });
});

describe("the event log", () => {
  it("stores no list that a checkpoint holds, and shows the event whole", async () => {
    await admit();
    const { fence } = await claimOne();
    const stored = { data: '{"a":1}', omitted: { threadId: fence.threadId, checkpointIds: { messages: "cp7" } } };
    await log.appendEvents(fence, [
      {
        seq: 0,
        event: "values",
        stored,
        get data(): string {
          throw new Error("the long form must not be written for the rows");
        },
      },
    ]);
    const pages = await log.readEvents([{ runId: fence.runId, afterSeq: -1 }], 10);
    expect(JSON.parse(pages.get(fence.runId)!.events[0]!.data)).toEqual({ a: 1, messages: ["from cp7"] });
  });

  it("hands out long events a few at a time, without losing any", async () => {
    await admit();
    const { fence } = await claimOne();
    const data = JSON.stringify("x".repeat(3_000_000));
    await log.appendEvents(
      fence,
      [0, 1, 2].map((seq) => ({ seq, event: "values", data })),
    );
    const seen: number[] = [];
    for (let isMore = true; isMore; ) {
      const page = (await log.readEvents([{ runId: fence.runId, afterSeq: seen.at(-1) ?? -1 }], 10)).get(fence.runId);
      seen.push(...(page?.events ?? []).map((event) => event.seq));
      isMore = page?.isMore ?? false;
    }
    expect(seen).toEqual([0, 1, 2]);
  });
});

it("a move that is not in the table of legal moves is noticed by these tests", async () => {
  await admit();
  const { fence } = await claimOne();
  await queue.endRun(fence, SUCCESS);
  const illegal = database.pool.query("update run set status = 'running' where run_id = $1", [fence.runId]);
  await expect(illegal).rejects.toThrow("illegal move of a run from success to running");
});

describe("cancel", () => {
  it("ends a pending run at once, marks a running one, and settles for an ended or unknown one", async () => {
    const { run: pending } = await admit({ delayMs: 60_000 });
    expect(await queue.requestCancel(pending.runId, pending.threadId, "interrupt", "why")).toBe("ended");
    expect(await threadRow(pending.threadId)).toMatchObject({ status: "idle", active_count: 0 });
    const { run: running, claimed } = await admit({}, "w1");
    expect(await queue.requestCancel(running.runId, running.threadId, "rollback", null)).toBe("signalled");
    const renewal = await queue.renewLeases({ workerId: "w1", fences: [claimed!.fence], leaseDurationMs: LEASE_MS });
    expect(renewal.cancelRequested).toEqual([{ runId: running.runId, action: "rollback" }]);
    await queue.endRolledBackRun(claimed!.fence);
    expect(await queue.requestCancel(running.runId, running.threadId, "interrupt", null)).toBe("not_found");
    expect(await queue.requestCancel(pending.runId, pending.threadId, "interrupt", null)).toBe("already_ended");
    expect(await threadRow(running.threadId)).toMatchObject({ status: "idle", active_count: 0 });
  });
});

describe("rollback of a run that waits for its second attempt", () => {
  async function handBack(): Promise<Fence> {
    const { claimed } = await admit({}, "w1");
    await queue.releaseRun(claimed!.fence, [{ seq: 0, event: "metadata", data: "{}" }]);
    return claimed!.fence;
  }

  async function expectNothingLeft(runId: string): Promise<void> {
    expect(runsWithCheckpointsDeleted).toContain(runId);
    expect(await statusOf(runId)).toBeUndefined();
    expect((await database.pool.query("select 1 from run_event where run_id = $1", [runId])).rowCount).toBe(0);
  }

  it("removes what its first attempt wrote when it is cancelled", async () => {
    const { runId, threadId } = await handBack();
    expect(await queue.requestCancel(runId, threadId, "rollback", null)).toBe("ended");
    await expectNothingLeft(runId);
  });

  it("removes what its first attempt wrote when another run takes its place", async () => {
    const { runId, threadId } = await handBack();
    await admit({ threadId, multitaskStrategy: "rollback" });
    await expectNothingLeft(runId);
  });
});

describe("the end", () => {
  it("takes values that jsonb cannot hold: such channels stay in the checkpoint, messages lose the character", async () => {
    const { run } = await admit();
    const { fence } = await claimOne();
    await queue.endRun(fence, {
      ...SUCCESS,
      status: "error",
      error: { error: "E", message: "bad \u0000 byte" },
      values: {
        json: JSON.stringify({ fine: 1, nul: "a\u0000b", half: "\ud800" }),
        omittedChannels: [],
        checkpointId: "cp",
      },
      interrupts: { t1: [{ id: "i1", value: "\u0000" }] },
    });
    expect(await statusOf(run.runId)).toBe("error");
    expect(await threadRow(run.threadId)).toMatchObject({
      values: { fine: 1 },
      omitted_channels: ["nul", "half"],
      error: { error: "E", message: "bad \ufffd byte" },
      interrupts: { t1: [{ id: "i1", value: "\ufffd" }] },
    });
  });

  it("writes status, thread, events and outbox row together, once", async () => {
    const { run } = await admit({ kwargs: { ...newRun().kwargs, webhook: "https://example.test/hook" } });
    const { fence } = await claimOne();
    await queue.endRun(fence, {
      ...SUCCESS,
      events: [{ seq: 0, event: "values", data: '{"a":1}' }],
      values: { json: '{"a":1}', omittedChannels: ["messages"], checkpointId: "cp" },
      isThreadInterrupted: true,
      interrupts: { t1: [{ id: "i1", value: "?" }] },
    });
    expect(await statusOf(run.runId)).toBe("success");
    expect(await threadRow(run.threadId)).toMatchObject({
      status: "interrupted",
      values: { a: 1 },
      omitted_channels: ["messages"],
      head_checkpoint_id: "cp",
      interrupts: { t1: [{ id: "i1", value: "?" }] },
    });
    expect((await log.readEvents([{ runId: run.runId, afterSeq: -1 }], 10)).get(run.runId)).toMatchObject({
      events: [{ seq: 0, event: "values", data: '{"a":1}' }],
      isMore: false,
    });
    const { rows } = await database.pool.query("select url, status, payload from webhook_delivery where run_id = $1", [
      run.runId,
    ]);
    expect(rows).toMatchObject([
      { url: "https://example.test/hook", status: "pending", payload: { run_id: run.runId } },
    ]);
  });
});
