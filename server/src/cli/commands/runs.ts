// `holdfast runs`: looks at the runs in the database from a terminal, cancels them, and retries those that were given up.
// It works on the database directly, not over HTTP: it is needed most when the API is down, and no access rule of a project
// can hide a broken run from whoever holds the database.
import { type Command, Option } from "commander";
import { administerRuns } from "../../assembly/maintenance.ts";
import type { RetryOutcome, RunAdministration } from "../../domain/ports/run-administration.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/run.ts";
import { addEnvFlags } from "../env-flags.ts";
import { EXIT_FAILURE } from "../failure.ts";
import { LIMIT_MAX, parseId, parseLimit } from "../flag-values.ts";
import { formatRunDetails, formatRunTable, presentRunReport } from "../run-reports.ts";
import { readConfig } from "../serve.ts";

const LIMIT_DEFAULT = 20;

interface CommonOptions {
  json?: boolean;
}

interface ListOptions extends CommonOptions {
  status?: RunStatus;
  thread?: string;
  limit: number;
}

export function addRunsCommand(program: Command): Command {
  const runs = program.command("runs").description("Lists, shows, retries and cancels runs, directly in the database.");
  const list = runs
    .command("list")
    .description("Lists runs, newest first.")
    .addOption(new Option("--status <status>", "Only runs in this status.").choices(RUN_STATUSES))
    .option("--thread <id>", "Only runs of this thread.", parseId)
    .option("--limit <count>", `Runs at most, up to ${LIMIT_MAX}.`, parseLimit, LIMIT_DEFAULT);
  addCommon(list).action((options: ListOptions) => listRuns(options));
  const show = runs.command("show").description("Shows one run with what its workers went through.");
  addCommon(show.argument("<run-id>", "Id of the run.", parseId)).action(showRun);
  const retry = runs
    .command("retry")
    .description(
      "Puts runs that were given up because their workers died back into the queue, where their thread is free.",
    );
  addCommon(retry.argument("<run-ids...>", "Ids of the runs.", collectIds)).action(retryRuns);
  const cancel = runs
    .command("cancel")
    .description("Cancels runs; what they have checkpointed stays, unless --rollback is given.")
    .option("--rollback", "Removes the runs and their checkpoints.");
  addCommon(cancel.argument("<run-ids...>", "Ids of the runs.", collectIds)).action(cancelRuns);
  for (const command of [list, show, retry, cancel]) {
    command.helpOption("-h, --help", "Prints this help.").showHelpAfterError().showSuggestionAfterError();
  }
  return runs;
}

function addCommon(command: Command): Command {
  command.option("--json", "Prints JSON.");
  return addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]);
}

function collectIds(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), parseId(text)];
}

async function withRuns<T>(options: object, use: (runs: RunAdministration) => Promise<T>): Promise<T> {
  const config = await readConfig(options as Record<string, unknown>, false);
  return administerRuns(config, (message) => console.error(`holdfast: ${message}`), use);
}

async function listRuns(options: ListOptions): Promise<void> {
  const { status, thread: threadId, limit } = options;
  const query = { limit, ...(status && { status }), ...(threadId && { threadId }) };
  const reports = await withRuns(options, (runs) => runs.listRuns(query));
  if (options.json) printJson(reports.map(presentRunReport));
  else console.log(reports.length === 0 ? "No such runs." : formatRunTable(reports));
}

async function showRun(runId: string, options: CommonOptions): Promise<void> {
  const report = await withRuns(options, (runs) => runs.findRun(runId));
  if (report === undefined) return fail(`There is no run ${runId}.`);
  if (options.json) printJson(presentRunReport(report));
  else console.log(formatRunDetails(report));
}

const RETRY_WORDS: Record<RetryOutcome, string> = {
  retried: "is back in the queue",
  not_found: "does not exist",
  not_quarantined: "was not given up; only runs that ended with AttemptsExhaustedError can be retried",
  thread_busy: "cannot be retried while its thread has another run; wait for that one or cancel it",
  thread_gone: "cannot be retried: its thread was removed",
};

async function retryRuns(runIds: string[], options: CommonOptions): Promise<void> {
  const results = await forEachRun(runIds, options, (runs, runId) => runs.retryRun(runId));
  report(results, options, (outcome) => RETRY_WORDS[outcome], "retried");
}

const CANCEL_WORDS = {
  ended: "was pending and is cancelled",
  signalled: "is being cancelled by its worker",
  already_ended: "has ended already",
  not_found: "does not exist",
} as const;

async function cancelRuns(runIds: string[], options: CommonOptions & { rollback?: boolean }): Promise<void> {
  const action = options.rollback ? "rollback" : "interrupt";
  const results = await forEachRun(runIds, options, (runs, runId) => runs.cancelRun(runId, action));
  report(results, options, (outcome) => CANCEL_WORDS[outcome], "ended", "signalled");
}

interface RunResult<Outcome extends string> {
  runId: string;
  outcome: Outcome;
}

function forEachRun<Outcome extends string>(
  runIds: string[],
  options: CommonOptions,
  act: (runs: RunAdministration, runId: string) => Promise<Outcome>,
): Promise<RunResult<Outcome>[]> {
  return withRuns(options, async (runs) => {
    const results: RunResult<Outcome>[] = [];
    for (const runId of new Set(runIds)) results.push({ runId, outcome: await act(runs, runId) });
    return results;
  });
}

/** One line a run; the exit code tells whether all of them came to a good outcome. */
function report<Outcome extends string>(
  results: RunResult<Outcome>[],
  options: CommonOptions,
  wordsFor: (outcome: Outcome) => string,
  ...good: Outcome[]
): void {
  if (options.json) printJson(results.map(({ runId, outcome }) => ({ run_id: runId, outcome })));
  else for (const { runId, outcome } of results) console.log(`Run ${runId} ${wordsFor(outcome)}.`);
  if (results.some(({ outcome }) => !good.includes(outcome))) process.exitCode = EXIT_FAILURE;
}

function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

function fail(message: string): void {
  console.error(`holdfast: ${message}`);
  process.exitCode = EXIT_FAILURE;
}
