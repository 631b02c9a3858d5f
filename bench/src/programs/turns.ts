// What a turn of a long conversation costs: time, processor, bytes stored and bytes written, at turn 20 as at turn 2,000, against the
// official PostgresSaver in-process. Every contestant has one database with one thread, so all rows are that thread's.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { type Contestant, type ContestantName, startContestant } from "../contestants/contestant.ts";
import { appendTurns, readState, runTurn, seedThread, writeQuestion } from "../contestants/conversation.ts";
import { describeConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { round, summarise } from "../harness/measure.ts";
import { readTreeCpuMs } from "../harness/process-usage.ts";
import { openProfiler, type Profiler } from "../harness/profile.ts";
import type { ProgramOptions } from "./program-options.ts";
import { bytesStored, bytesWritten, databaseCpuMs } from "./storage-cost.ts";
import { reportTurns, type TurnCost } from "./turns-report.ts";

const STATE_READ_COUNT = 9;
const WARM_UP_TURNS = 30;
/** How long an idle server's database is watched: what it does then is not the turns'. */
const IDLE_MS = 4_000;

/**
 * `--turns 20,200,500,2000 --window 20 --baseline-window 5 --profile 20 --contestants holdfast,in-process --seeded in-process`:
 * turns of the window before each mark (of the baseline, whose turns take seconds), turns after it that are profiled (0 for none), and
 * contestants that skip ahead between marks.
 */
export async function turns(options: ProgramOptions): Promise<void> {
  const marks = options.list("turns", "20,200,500,2000").map(Number);
  const windowMax = options.number("window", 20);
  const baselineWindowMax = options.number("baseline-window", Math.min(5, windowMax));
  const profiled = options.number("profile", windowMax);
  const names = options.list("contestants", "holdfast,in-process") as ContestantName[];
  const seeded = options.list("seeded", "in-process");
  const costs: TurnCost[] = [];
  const firstReads: Record<string, string | number>[] = [];
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  for (const name of names) {
    const databaseUrl = await database.createDatabase();
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    const threadId = randomUUID();
    const window = name === "in-process" ? baselineWindowMax : windowMax;
    const isSeeded = seeded.includes(name);
    try {
      await using profiler = await openProfiler();
      await using contestant = await startContestant(name, databaseUrl, profiler.env);
      const profiledCount = Math.min(profiled, window);
      costs.push(
        ...(await measureMarks({
          contestant,
          pool,
          threadId,
          marks,
          windowMax: window,
          isSeeded,
          profiler,
          profiledCount,
        })),
      );
    } finally {
      await pool.end();
    }
    await using restarted = await startContestant(name, databaseUrl);
    firstReads.push({
      contestant: name,
      "first state read after a restart, ms": await readCold(restarted.url, threadId),
    });
  }
  const plan = { marks, windowMax, baselineWindowMax, profiled, names, seeded };
  await reportTurns(conditions, plan, costs, firstReads);
}

interface Conversation {
  contestant: Contestant;
  pool: pg.Pool;
  threadId: string;
  marks: number[];
  windowMax: number;
  isSeeded: boolean;
  profiler: Profiler;
  profiledCount: number;
}

async function measureMarks(conversation: Conversation): Promise<TurnCost[]> {
  const { contestant, pool, threadId, marks, windowMax, isSeeded } = conversation;
  const warmUpThread = randomUUID();
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await ask(contestant.url, warmUpThread, turn);
  const idleMsPerMs = await measureIdleDatabase(pool);
  await seedThread(contestant.url, 0, threadId);
  const costs: TurnCost[] = [];
  let turn = 0;
  for (const mark of marks) {
    const window = Math.min(windowMax, mark - turn);
    if (isSeeded) await appendTurns(contestant.url, threadId, turn, mark - window);
    else while (turn < mark - window) await ask(contestant.url, threadId, turn++);
    turn = mark - window;
    const measured = await measureWindow(conversation, turn, window, idleMsPerMs);
    turn = mark;
    const stateReadP50Ms = await readWarm(contestant.url, threadId);
    const shares = await profileTurns(conversation, turn);
    turn += conversation.profiledCount;
    costs.push({ turn: mark, contestant: contestant.name, window, ...measured, ...shares, stateReadP50Ms });
    console.log(`  ${contestant.name} at turn ${mark}: ${JSON.stringify(costs.at(-1))}`);
  }
  return costs;
}

async function measureWindow(
  { contestant, pool, threadId }: Conversation,
  from: number,
  window: number,
  idleMsPerMs: number,
): Promise<Pick<TurnCost, "latencyP50Ms" | "cpuMs" | "databaseMs" | "storedBytes" | "walBytes">> {
  const before = { stored: await bytesStored(pool), database: await databaseCpuMs(pool) };
  const cpuBeforeMs = await readTreeCpuMs(contestant.pid);
  const latenciesMs: number[] = [];
  const written: number[] = [];
  const windowStartedAtMs = performance.now();
  for (let turn = from; turn < from + window; turn++) {
    const writtenBefore = await bytesWritten(pool);
    const startedAtMs = performance.now();
    await ask(contestant.url, threadId, turn);
    latenciesMs.push(performance.now() - startedAtMs);
    written.push((await bytesWritten(pool)) - writtenBefore);
  }
  const idleMs = idleMsPerMs * (performance.now() - windowStartedAtMs);
  const cpuMs = (await readTreeCpuMs(contestant.pid)) - cpuBeforeMs;
  const databaseMs = (await databaseCpuMs(pool)) - before.database - idleMs;
  const stored = (await bytesStored(pool)) - before.stored;
  return {
    latencyP50Ms: summarise(latenciesMs).p50Ms,
    cpuMs: round(cpuMs / window),
    databaseMs: round(databaseMs / window),
    storedBytes: Math.round(stored / window),
    walBytes: summarise(written).p50Ms,
  };
}

/** Further turns under a profiler, apart from those that are timed, because it slows them down. */
async function profileTurns(
  { contestant, threadId, profiler, profiledCount }: Conversation,
  from: number,
): Promise<Pick<TurnCost, "persistenceMs" | "garbageMs" | "otherMs">> {
  if (profiledCount === 0) return { persistenceMs: 0, garbageMs: 0, otherMs: 0 };
  await profiler.start(contestant.pid);
  for (let turn = from; turn < from + profiledCount; turn++) await ask(contestant.url, threadId, turn);
  const shares = await profiler.stop();
  return {
    persistenceMs: round(shares.persistenceMs / profiledCount),
    garbageMs: round(shares.garbageMs / profiledCount),
    otherMs: round(shares.otherMs / profiledCount),
  };
}

/** Processor time of the database for each millisecond in which the server only keeps itself going. */
async function measureIdleDatabase(pool: pg.Pool): Promise<number> {
  const before = await databaseCpuMs(pool);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return ((await databaseCpuMs(pool)) - before) / IDLE_MS;
}

async function ask(url: string, threadId: string, turn: number): Promise<void> {
  await runTurn(url, { threadId, graphId: "conversation", question: writeQuestion(turn) });
}

async function readWarm(url: string, threadId: string): Promise<number> {
  const latenciesMs: number[] = [];
  for (let read = 0; read < STATE_READ_COUNT; read++) latenciesMs.push((await readState(url, threadId)).latencyMs);
  return summarise(latenciesMs).p50Ms;
}

/** The process has run other threads since its start, but never seen this one. */
async function readCold(url: string, threadId: string): Promise<number> {
  const other = randomUUID();
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await ask(url, other, turn);
  for (let read = 0; read < WARM_UP_TURNS; read++) await readState(url, other);
  return round((await readState(url, threadId)).latencyMs);
}
