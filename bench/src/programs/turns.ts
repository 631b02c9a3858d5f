// What a turn of a long conversation costs: time, processor, bytes stored and bytes written, at turn 20 as at turn 2,000, against the
// official PostgresSaver in-process. Every contestant has one database with one thread, so all rows are that thread's.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { writeChart } from "../charts/write-chart.ts";
import { type Contestant, type ContestantName, startContestant } from "../contestants/contestant.ts";
import { appendTurns, readState, runTurn, seedThread, writeQuestion } from "../contestants/conversation.ts";
import { type Conditions, describeConditions, summariseConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { round, summarise } from "../harness/measure.ts";
import { readTreeCpuMs } from "../harness/process-usage.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "./program-options.ts";
import { bytesStored, bytesWritten, databaseCpuMs } from "./storage-cost.ts";

/** One row: the cost of a turn, averaged over the window of turns that ends at `turn`. */
interface TurnCost {
  turn: number;
  contestant: ContestantName;
  /** Turns of the window. */
  window: number;
  latencyP50Ms: number;
  /** Processor time of the server for a turn. */
  cpuMs: number;
  /** Processor time of the database server for a turn. */
  databaseMs: number;
  storedBytes: number;
  /** Write-ahead log for a turn: the median, so that pages written whole after a checkpoint do not count. */
  walBytes: number;
  stateReadP50Ms: number;
}

const STATE_READ_COUNT = 9;
const WARM_UP_TURNS = 30;

/** `--turns 20,200,500,2000 --window 20 --contestants holdfast,in-process --seeded in-process` (contestants that skip ahead between marks) */
export async function turns(options: ProgramOptions): Promise<void> {
  const marks = options.list("turns", "20,200,500,2000").map(Number);
  const windowMax = options.number("window", 20);
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
    try {
      await using contestant = await startContestant(name, databaseUrl);
      costs.push(
        ...(await measureMarks({ contestant, pool, threadId, marks, windowMax, isSeeded: seeded.includes(name) })),
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
  await keep(conditions, { marks, windowMax, names, seeded }, costs, firstReads);
}

interface Conversation {
  contestant: Contestant;
  pool: pg.Pool;
  threadId: string;
  marks: number[];
  windowMax: number;
  isSeeded: boolean;
}

async function measureMarks(conversation: Conversation): Promise<TurnCost[]> {
  const { contestant, pool, threadId, marks, windowMax, isSeeded } = conversation;
  const warmUpThread = randomUUID();
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) await ask(contestant.url, warmUpThread, turn);
  await seedThread(contestant.url, 0, threadId);
  const costs: TurnCost[] = [];
  let turn = 0;
  for (const mark of marks) {
    const window = Math.min(windowMax, mark - turn);
    if (isSeeded) await appendTurns(contestant.url, threadId, turn, mark - window);
    else while (turn < mark - window) await ask(contestant.url, threadId, turn++);
    turn = mark - window;
    const before = { stored: await bytesStored(pool), database: await databaseCpuMs(pool) };
    const cpuBeforeMs = await readTreeCpuMs(contestant.pid);
    const latenciesMs: number[] = [];
    const written: number[] = [];
    for (; turn < mark; turn++) {
      const writtenBefore = await bytesWritten(pool);
      const startedAtMs = performance.now();
      await ask(contestant.url, threadId, turn);
      latenciesMs.push(performance.now() - startedAtMs);
      written.push((await bytesWritten(pool)) - writtenBefore);
    }
    const cpuMs = (await readTreeCpuMs(contestant.pid)) - cpuBeforeMs;
    const databaseMs = (await databaseCpuMs(pool)) - before.database;
    const stored = (await bytesStored(pool)) - before.stored;
    costs.push({
      turn: mark,
      contestant: contestant.name,
      window,
      latencyP50Ms: summarise(latenciesMs).p50Ms,
      cpuMs: round(cpuMs / window),
      databaseMs: round(databaseMs / window),
      storedBytes: Math.round(stored / window),
      walBytes: summarise(written).p50Ms,
      stateReadP50Ms: await readWarm(contestant.url, threadId),
    });
    console.log(`  ${contestant.name} at turn ${mark}: ${JSON.stringify(costs.at(-1))}`);
  }
  return costs;
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

type Plan = { marks: number[]; windowMax: number; names: ContestantName[]; seeded: string[] };

async function keep(
  conditions: Conditions,
  plan: Plan,
  costs: TurnCost[],
  firstReads: Record<string, string | number>[],
): Promise<void> {
  const table = costs.map((cost) => ({
    turn: cost.turn,
    contestant: cost.contestant,
    "turn p50 ms": cost.latencyP50Ms,
    "processor ms": cost.cpuMs,
    "database ms": cost.databaseMs,
    "stored bytes": cost.storedBytes,
    "log bytes": cost.walBytes,
    "state read p50 ms": cost.stateReadP50Ms,
  }));
  printTable("cost of one turn", table);
  printTable("state of the long thread, read by a process that never saw it", firstReads);
  const ratios = ratiosOf(costs, plan);
  printTable("last mark against the first, and against in-process", ratios);
  await writeResult("turns", { ...conditions, plan, table, firstReads, ratios, costs });
  const panel = (title: string, yLabel: string, key: keyof TurnCost) => ({
    kind: "lines" as const,
    title,
    yLabel,
    yScale: "log" as const,
    xLabel: "turn of the conversation",
    x: plan.marks,
    series: plan.names.map((name) => ({
      name,
      values: plan.marks.map(
        (mark) => costs.find((cost) => cost.turn === mark && cost.contestant === name)?.[key] as number,
      ),
    })),
  });
  await writeChart("turns", {
    title: "Cost of one turn of a long conversation (log scales, less is better)",
    subtitle: summariseConditions(conditions),
    panels: [
      panel("Time of a turn, median", "ms", "latencyP50Ms"),
      panel("Bytes stored by a turn", "bytes", "storedBytes"),
      panel("Reading the state, median", "ms", "stateReadP50Ms"),
    ],
  });
}

/** What the targets are about. */
function ratiosOf(costs: TurnCost[], { marks, names }: Plan): Record<string, string | number>[] {
  const at = (name: string, mark: number | undefined) =>
    costs.find((cost) => cost.contestant === name && cost.turn === mark);
  return names.flatMap((name) => {
    const [first, last] = [at(name, marks[0]), at(name, marks.at(-1))];
    const base = at("in-process", marks.at(-1));
    if (first === undefined || last === undefined) return [];
    return [
      {
        contestant: name,
        "stored, last/first": round(last.storedBytes / first.storedBytes),
        "log, last/first": round(last.walBytes / first.walBytes),
        "database time, last/first": round(last.databaseMs / first.databaseMs),
        "turn against in-process": base === undefined ? "" : round(last.latencyP50Ms / base.latencyP50Ms),
        "state read against in-process": base === undefined ? "" : round(last.stateReadP50Ms / base.stateReadP50Ms),
      },
    ];
  });
}
