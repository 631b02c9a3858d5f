// `npm run bench -- chaos --fault F1,F3 [--runs N] [--seed S] ...`: the faults of RELIABILITY at any scale, results kept as JSON.
import { type DatabaseServer, openDatabaseServer } from "../harness/database.ts";
import { describeMachine, round } from "../harness/measure.ts";
import { printTable, writeResult } from "../harness/result.ts";
import type { ProgramOptions } from "../programs/program-options.ts";
import { type ChaosResult, type Fault, runFault } from "./fault.ts";
import { FAULTS } from "./faults.ts";

const VIOLATIONS_KEPT_MAX = 100;
const SEED_MAX = 2 ** 31;
const EXIT_INTERRUPTED = 130;

export async function chaos(options: ProgramOptions): Promise<void> {
  const wanted = options.list("fault", "");
  if (wanted.join("") === "") return printFaults();
  const seed = options.number("seed", Math.floor(Math.random() * SEED_MAX));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(EXIT_INTERRUPTED));
  console.log(`seed ${seed}: repeat with --seed ${seed}`);
  await using server = await openDatabaseServer();
  const rows: Record<string, string | number>[] = [];
  for (const id of wanted) {
    const fault = FAULTS.find((each) => each.id === id.toUpperCase());
    if (fault === undefined) {
      console.error(`There is no fault ${id}.`);
      process.exitCode = 1;
      continue;
    }
    rows.push(await runOne(fault, options, server, seed));
  }
  if (rows.length > 0) printTable(`chaos, seed ${seed}`, rows);
}

async function runOne(fault: Fault, options: ProgramOptions, server: DatabaseServer, seed: number) {
  console.log(`\n${fault.id}: ${fault.title}`);
  const startedAtMs = Date.now();
  const sizes = {
    runCount: given(options, "runs"),
    workerCount: given(options, "workers"),
    clientCount: given(options, "clients"),
    stepCount: given(options, "steps"),
    stepMs: given(options, "step-ms"),
    copiesMax: given(options, "copies"),
    faultIntervalMinMs: given(options, "interval-min-ms"),
    faultIntervalMaxMs: given(options, "interval-max-ms"),
    durationMaxMs: given(options, "duration-max-ms"),
  };
  const log = (line: string) => console.log(`  ${line}`);
  const result = await runFault(fault, { ...sizes, server, seed, log });
  const durationMs = Date.now() - startedAtMs;
  await keep(
    fault,
    { seed, durationMs, postgres: server.version, sizes: { ...fault.defaults, ...defined(sizes) } },
    result,
  );
  for (const violation of result.violations.slice(0, 10))
    console.error(`  VIOLATED ${violation.invariant}: ${violation.detail}`);
  if (result.violations.length > 0) process.exitCode = 1;
  return {
    fault: fault.id,
    runs: result.counts.runs ?? 0,
    seconds: round(durationMs / 1000),
    proofs: Object.entries(result.proofs)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
    "detection p50/p99 ms": result.detection ? `${result.detection.p50Ms}/${result.detection.p99Ms}` : "",
    "recovery p50/p99 ms": result.recovery ? `${result.recovery.p50Ms}/${result.recovery.p99Ms}` : "",
    violations: result.violations.length,
  };
}

async function keep(fault: Fault, about: Record<string, unknown>, result: ChaosResult): Promise<void> {
  const violations = result.violations.slice(0, VIOLATIONS_KEPT_MAX);
  await writeResult(`chaos-${fault.id}`, {
    fault: fault.id,
    title: fault.title,
    machine: await describeMachine(),
    ...about,
    ...result,
    violationCount: result.violations.length,
    violations,
  });
}

function given(options: ProgramOptions, name: string): number | undefined {
  return options.text(name, "") === "" ? undefined : options.number(name, 0);
}

function defined(record: Record<string, number | undefined>): Record<string, number | undefined> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function printFaults(): void {
  console.log(
    "Which faults? For example: npm run bench -- chaos --fault F1,F2 --runs 200 --seed 7\n" +
      "Options: --runs --workers --clients --steps --step-ms --copies --interval-min-ms --interval-max-ms --duration-max-ms --seed\n",
  );
  for (const { id, title } of FAULTS) console.log(`${id.padEnd(4)} ${title}`);
}
