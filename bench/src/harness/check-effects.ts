// I2: the effects of completed steps, from the sink's record and the checkpoints of runs of the graph `steps`.
import type { CheckInput, Violation } from "./check-input.ts";
import type { Effect } from "./sink.ts";

type EffectsInput = Pick<CheckInput, "pool" | "runIds" | "effects" | "staleSenders" | "areClocksTrusted">;

/**
 * No effect of a step reaches the sink after a checkpoint has recorded the step as done. A key may appear twice only when
 * its worker died between the effect and the checkpoint, so never more often than the run was claimed.
 */
export async function checkEffects(input: EffectsInput): Promise<Violation[]> {
  const { pool, runIds, effects, staleSenders = new Set(), areClocksTrusted = true } = input;
  const doneAtMs = await readStepTimes(pool, runIds);
  const attempts = await readAttempts(pool, runIds);
  const violations: Violation[] = [];
  const timesSeen = new Map<string, number>();
  for (const effect of effects) {
    timesSeen.set(effect.key, (timesSeen.get(effect.key) ?? 0) + 1);
    const atMs = doneAtMs.get(effect.key);
    if (!areClocksTrusted || atMs === undefined || effect.atMs <= atMs || staleSenders.has(effect.sender ?? ""))
      continue;
    violations.push({ invariant: "I2", detail: describeLate(effect, atMs) });
  }
  for (const key of doneAtMs.keys()) {
    if (!timesSeen.has(key)) {
      violations.push({ invariant: "I2", detail: `step ${key} is recorded but its effect never happened` });
    }
  }
  for (const [key, count] of timesSeen) {
    const attempt = attempts.get(key.split(":")[0]!);
    if (attempt === undefined || count <= attempt) continue;
    violations.push({ invariant: "I2", detail: `effect ${key} happened ${count} times in ${attempt} attempts` });
  }
  return violations;
}

function describeLate(effect: Effect, doneAtMs: number): string {
  return `effect ${effect.key} of ${effect.sender} was repeated ${effect.atMs - doneAtMs} ms after its step was recorded`;
}

async function readAttempts(pool: CheckInput["pool"], runIds: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ run_id: string; attempt: number }>(
    "select run_id, attempt from run where run_id = any($1::uuid[])",
    [runIds],
  );
  return new Map(rows.map((row) => [row.run_id, row.attempt]));
}

/** When each step (`runId:number`) was first recorded as done by a checkpoint. */
async function readStepTimes(pool: CheckInput["pool"], runIds: string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ run_id: string; checkpoint_id: string }>(
    `select metadata ->> 'run_id' as run_id, min(checkpoint_id) as checkpoint_id
     from checkpoint where checkpoint_ns = '' and metadata ->> 'run_id' = any($1) and metadata ->> 'source' = 'loop'
     group by 1, metadata -> 'step' order by (metadata -> 'step')::int`,
    [runIds],
  );
  const byRun = new Map<string, number[]>();
  for (const row of rows) {
    const times = byRun.get(row.run_id) ?? [];
    times.push(timeOfUuid6(row.checkpoint_id));
    byRun.set(row.run_id, times);
  }
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
