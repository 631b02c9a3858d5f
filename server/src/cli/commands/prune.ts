// `holdfast prune`: removes what has aged out, and on demand threads that nobody has used for long, and says what that freed.
import { type Command, InvalidArgumentError, Option } from "commander";
import { type PruneReport, pruneDatabase } from "../../assembly/maintenance.ts";
import type { Freed, RetentionStrategy } from "../../domain/ports/retention.ts";
import { addEnvFlags } from "../env-flags.ts";
import { readAgeMs } from "../flag-values.ts";
import { readConfig } from "../serve.ts";
import { formatTable } from "../table.ts";

interface PruneOptions {
  olderThan?: number;
  strategy: RetentionStrategy;
  json?: boolean;
}

export function addPruneCommand(program: Command): Command {
  const command = program
    .command("prune")
    .description("Removes what has aged out now instead of at the next sweep, and says what it freed.")
    .option(
      "--older-than <age>",
      "Also threads that have not changed for so long, such as 90m, 36h, 30d or 8w.",
      parseAge,
    )
    .addOption(
      new Option(
        "--strategy <strategy>",
        "What becomes of those threads: all of them goes, or all but their latest state.",
      )
        .choices(["delete", "keep_latest"])
        .default("delete"),
    )
    .option("--json", "Prints JSON.");
  return addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]).action(prune);
}

function parseAge(text: string): number {
  const ms = readAgeMs(text) ?? 0;
  if (!(ms > 0)) throw new InvalidArgumentError("It must be a whole number and a unit: m, h, d or w.");
  return ms;
}

async function prune(options: PruneOptions): Promise<void> {
  const config = await readConfig(options as unknown as Record<string, unknown>, false);
  const log = (message: string): void => console.error(`holdfast: ${message}`);
  const { olderThan: idleMs, strategy } = options;
  const report = await pruneDatabase(config, log, idleMs === undefined ? undefined : { idleMs, strategy });
  if (options.json) console.log(JSON.stringify(present(report), null, 2));
  else console.log(describe(report));
}

function present(report: PruneReport): object {
  return {
    ended_threads: report.endedThreadCount,
    expired_threads: report.expiredThreadCount,
    idle_threads: report.idleThreadCount,
    idempotency_keys: report.keyCount,
    event_days: report.eventDayCount,
    freed_rows: report.freed.rows,
    freed_bytes: report.freed.bytes,
  };
}

function describe(report: PruneReport): string {
  const counts: [number, string][] = [
    [report.endedThreadCount, "ended threads of stateless runs"],
    [report.expiredThreadCount, "threads whose time to live was over"],
    [report.idleThreadCount, "threads that had not changed for long"],
    [report.keyCount, "idempotency keys"],
    [report.eventDayCount, "days of events"],
  ];
  const lines = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (lines.length === 0) return "Nothing had aged out.";
  return [`Went through ${lines.join(", ")}.`, "", formatFreed(report.freed)].join("\n");
}

function formatFreed({ rows, bytes }: Freed): string {
  const freed = Object.entries(rows).filter(([, count]) => count > 0);
  const total = freed.reduce((sum, [, count]) => sum + count, 0);
  const table = formatTable(
    ["TABLE", "ROWS"],
    [...freed.map(([name, count]) => [name, String(count)]), ["all", String(total)]],
  );
  return `${table}\n\nFreed ${bytes} bytes. PostgreSQL uses the space again; its files shrink where a vacuum can cut them.`;
}
