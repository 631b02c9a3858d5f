// The figures behind docs/scaling.md: connections and memory at many runs at once, what a run costs PostgreSQL, and what Redis takes off it.
import { describeConditions } from "../harness/conditions.ts";
import { openDatabaseServer } from "../harness/database.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "./program-options.ts";
import { measureConcurrency } from "./scaling-concurrency.ts";
import { measureFanOut } from "./scaling-fan-out.ts";
import { measureRunCost } from "./scaling-run-cost.ts";

/** `--parts concurrency,cost,fan-out --slots 2000 --pools 8,3 --streams 50 --tokens 100 --interval-ms 20 --rounds 2 --result scaling` */
export async function scaling(options: ProgramOptions): Promise<void> {
  const parts = new Set(options.list("parts", "concurrency,cost,fan-out"));
  await using database = await openDatabaseServer();
  const conditions = await describeConditions(database);
  const result: Record<string, Record<string, string | number>[]> = {};
  if (parts.has("concurrency")) {
    result.concurrency = [];
    for (const poolMax of options.list("pools", "8,3").map(Number)) {
      const url = await database.createDatabase();
      result.concurrency.push(await measureConcurrency(url, options.number("slots", 2_000), poolMax));
    }
    printTable("many runs at once in slow nodes, one API and one worker process", result.concurrency);
  }
  if (parts.has("cost")) {
    result.cost = [];
    for (const clients of [1, 50]) result.cost.push(await measureRunCost(await database.createDatabase(), clients));
    printTable("what a run of an instant two-node graph costs PostgreSQL, API and worker apart", result.cost);
  }
  if (parts.has("fan-out")) {
    result.fanOut = [];
    const load = {
      streamCount: options.number("streams", 50),
      tokenCount: options.number("tokens", 100),
      intervalMs: options.number("interval-ms", 20),
    };
    for (let round = 0; round < options.number("rounds", 2); round++) {
      for (const bus of ["PostgreSQL", "Redis"] as const) {
        result.fanOut.push(await measureFanOut(await database.createDatabase(), bus, load));
      }
    }
    printTable(
      `${load.streamCount} followed streams of ${load.tokenCount} tokens, API and worker apart`,
      result.fanOut,
    );
  }
  await writeResult(options.text("result", "scaling"), { ...conditions, ...result });
}
