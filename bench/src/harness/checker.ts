// Checks the invariants of RELIABILITY (I1-I7) from the rows, the sink's record and the clients' logs.
import type { Pool } from "pg";
import type { Effect } from "./sink.ts";

/** One event as a client received it. */
export interface ReceivedEvent {
  id: string;
  event: string;
}

/** What one client saw of one run's stream, over all its connections. */
export interface ClientLog {
  runId: string;
  events: ReceivedEvent[];
  isEnded: boolean;
}

export interface Violation {
  invariant: string;
  detail: string;
}

export interface CheckInput {
  pool: Pool;
  runIds: string[];
  effects: Effect[];
  clientLogs: ClientLog[];
  /** User messages in the order they were accepted, by thread. */
  acceptedMessages: Map<string, string[]>;
  /** Reads the user messages of a thread's state, in order. */
  readUserMessages: (threadId: string) => Promise<string[]>;
}

export async function checkInvariants(input: CheckInput): Promise<Violation[]> {
  const found = await Promise.all([
    checkRunsEnded(input),
    checkEffects(input),
    checkLinearHistory(input),
    checkThreadsFree(input),
    checkMessages(input),
  ]);
  return [...found.flat(), ...checkClientLogs(input.clientLogs)];
}

/** I1: every acknowledged run has ended. */
async function checkRunsEnded({ pool, runIds }: CheckInput): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select id as run_id, r.status from unnest($1::uuid[]) as id left join run r on r.run_id = id
     where r.status is null or r.status in ('pending', 'running')`,
    [runIds],
  );
  return rows.map((row) => ({ invariant: "I1", detail: `run ${row.run_id} is ${row.status ?? "gone"}` }));
}

/**
 * I2: no effect of a step reaches the sink after a checkpoint has recorded the step as done. A key may appear twice only when
 * its worker died between the effect and the checkpoint.
 */
async function checkEffects({ pool, runIds, effects }: CheckInput): Promise<Violation[]> {
  const doneAtMs = await readStepTimes(pool, runIds);
  const violations: Violation[] = [];
  const seen = new Set<string>();
  for (const effect of effects) {
    seen.add(effect.key);
    const atMs = doneAtMs.get(effect.key);
    if (atMs !== undefined && effect.atMs > atMs) {
      violations.push({
        invariant: "I2",
        detail: `effect ${effect.key} was repeated ${effect.atMs - atMs} ms after its step was recorded`,
      });
    }
  }
  for (const key of doneAtMs.keys()) {
    if (!seen.has(key))
      violations.push({ invariant: "I2", detail: `step ${key} is recorded but its effect never happened` });
  }
  return violations;
}

/** When each step (`runId:number`) was first recorded as done by a checkpoint. */
async function readStepTimes(pool: Pool, runIds: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ run_id: string; checkpoint_id: string }>(
    `select metadata ->> 'run_id' as run_id, min(checkpoint_id) as checkpoint_id
     from checkpoint where checkpoint_ns = '' and metadata ->> 'run_id' = any($1) and metadata ->> 'source' = 'loop'
     group by 1, metadata -> 'step' order by (metadata -> 'step')::int`,
    [runIds],
  );
  const byRun = new Map<string, number[]>();
  for (const row of rows) byRun.set(row.run_id, [...(byRun.get(row.run_id) ?? []), timeOfUuid6(row.checkpoint_id)]);
  const times = new Map<string, number>();
  for (const [runId, atMs] of byRun) {
    // The run's loop checkpoints are: input applied, begin, step 1 ... step n, finish.
    for (const [index, time] of atMs.slice(2, -1).entries()) times.set(`${runId}:${index + 1}`, time);
  }
  return times;
}

/** Checkpoint ids are UUIDs version 6: 100-nanosecond ticks since 1582, most significant part first. */
function timeOfUuid6(id: string): number {
  const [high, middle, low] = id.split("-") as [string, string, string];
  const ticks = BigInt(`0x${high}${middle}${low.slice(1)}`);
  return Number((ticks - 122_192_928_000_000_000n) / 10_000n);
}

/** I3: within a namespace of a thread each checkpoint has at most one child, and only the first has no parent. */
async function checkLinearHistory({ pool }: CheckInput): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select thread_id, checkpoint_ns, parent_checkpoint_id, count(*) as children from checkpoint
     group by 1, 2, 3 having count(*) > 1`,
  );
  return rows.map((row) => ({
    invariant: "I3",
    detail: `thread ${row.thread_id} ns "${row.checkpoint_ns}": ${row.children} children of ${row.parent_checkpoint_id ?? "the root"}`,
  }));
}

/** I7: no thread is busy without an active run, and its count is the number of active runs. */
async function checkThreadsFree({ pool }: CheckInput): Promise<Violation[]> {
  const { rows } = await pool.query(
    `select t.thread_id, t.status, t.active_count, count(r.run_id)::int as active
     from thread t left join run r on r.thread_id = t.thread_id and r.status in ('pending', 'running')
     group by t.thread_id
     having (t.status = 'busy') <> (count(r.run_id) > 0) or t.active_count <> count(r.run_id)`,
  );
  return rows.map((row) => ({
    invariant: "I7",
    detail: `thread ${row.thread_id} is ${row.status} with count ${row.active_count} and ${row.active} active runs`,
  }));
}

/** I6: the user messages in the state are exactly the accepted ones, in order. */
async function checkMessages({ acceptedMessages, readUserMessages }: CheckInput): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const [threadId, accepted] of acceptedMessages) {
    const stored = await readUserMessages(threadId);
    if (JSON.stringify(stored) !== JSON.stringify(accepted)) {
      violations.push({
        invariant: "I6",
        detail: `thread ${threadId} holds ${JSON.stringify(stored)}, accepted were ${JSON.stringify(accepted)}`,
      });
    }
  }
  return violations;
}

/** I5: ids without gap or repeat over reconnects, and a clean end. */
function checkClientLogs(logs: ClientLog[]): Violation[] {
  const violations: Violation[] = [];
  for (const log of logs) {
    for (const [index, event] of log.events.entries()) {
      if (event.id === String(index)) continue;
      violations.push({ invariant: "I5", detail: `run ${log.runId}: event ${index} has id ${event.id}` });
    }
    if (!log.isEnded) violations.push({ invariant: "I5", detail: `run ${log.runId}: the stream never ended` });
  }
  return violations;
}
