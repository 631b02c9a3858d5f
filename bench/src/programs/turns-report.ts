// The table, the ratios and the chart of the program `turns`.
import { writeChart } from "../charts/write-chart.ts";
import type { ContestantName } from "../contestants/contestant.ts";
import { type Conditions, summariseConditions } from "../harness/conditions.ts";
import { round } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";

/** One row: the cost of a turn, averaged over the window of turns that ends at `turn`. */
export interface TurnCost {
  turn: number;
  contestant: ContestantName;
  /** Turns of the window. */
  window: number;
  latencyP50Ms: number;
  /** Processor time of the server for a turn. */
  cpuMs: number;
  /** Of it, by a profile of further turns: in the checkpointer, the repositories and the driver, and what they called. */
  persistenceMs: number;
  garbageMs: number;
  otherMs: number;
  /** Processor time of the database server for a turn, without what it uses when nothing runs. */
  databaseMs: number;
  storedBytes: number;
  /** Write-ahead log for a turn: the median, so that pages written whole after a checkpoint do not count. */
  walBytes: number;
  stateReadP50Ms: number;
}

export interface TurnsPlan {
  marks: number[];
  windowMax: number;
  baselineWindowMax: number;
  /** Turns that were profiled after each mark. */
  profiled: number;
  names: ContestantName[];
  seeded: string[];
}

export async function reportTurns(
  conditions: Conditions,
  plan: TurnsPlan,
  costs: TurnCost[],
  firstReads: Record<string, string | number>[],
): Promise<void> {
  const table = costs.map((cost) => ({
    turn: cost.turn,
    contestant: cost.contestant,
    "turn p50 ms": cost.latencyP50Ms,
    "processor ms": cost.cpuMs,
    "persistence ms": cost.persistenceMs,
    "garbage ms": cost.garbageMs,
    "other ms": cost.otherMs,
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
function ratiosOf(costs: TurnCost[], { marks, names }: TurnsPlan): Record<string, string | number>[] {
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
        "persistence and database time, last/first": round(spentOnPersistence(last) / spentOnPersistence(first)),
        "turn against in-process": base === undefined ? "" : round(last.latencyP50Ms / base.latencyP50Ms),
        "state read against in-process": base === undefined ? "" : round(last.stateReadP50Ms / base.stateReadP50Ms),
      },
    ];
  });
}

function spentOnPersistence({ persistenceMs, databaseMs }: TurnCost): number {
  return persistenceMs + databaseMs;
}
