// `holdfast usage`: what calls of models used and cost, from the database, by whatever it is to be summed up.
import { type Command, InvalidArgumentError, Option } from "commander";
import { readUsage } from "../../assembly/maintenance.ts";
import { omitUndefined } from "../../domain/json.ts";
import { USAGE_KEYS, type UsageFilter, type UsageKey } from "../../domain/ports/usage-ledger.ts";
import { addEnvFlags } from "../env-flags.ts";
import { LIMIT_MAX, parseId, parseLimit, readAgeMs } from "../flag-values.ts";
import { readConfig } from "../serve.ts";
import { formatUsageTable, presentUsageRow } from "../usage-report.ts";

interface UsageOptions {
  by: UsageKey[];
  since?: Date;
  until?: Date;
  run?: string;
  thread?: string;
  assistant?: string;
  user?: string;
  tenant?: string;
  model?: string;
  limit: number;
  json?: boolean;
}

export function addUsageCommand(program: Command): Command {
  const command = program
    .command("usage")
    .description("Says what calls of models used and cost.")
    .option("--by <keys>", `Sums up by these, separated by commas: ${USAGE_KEYS.join(", ")}.`, parseKeys, ["model"])
    .option(
      "--since <when>",
      "Only calls since then: a time, a day (2026-01-31), or an age such as 24h or 30d.",
      parseWhen,
    )
    .option("--until <when>", "Only calls before then.", parseWhen)
    .option("--run <id>", "Only calls of this run.", parseId)
    .option("--thread <id>", "Only calls on this thread.", parseId)
    .option("--assistant <id>", "Only calls of this assistant.", parseId)
    .option("--user <name>", "Only calls for this user.")
    .option("--tenant <name>", "Only calls for this tenant.")
    .option("--model <name>", "Only calls of this model.")
    .addOption(new Option("--limit <count>", `Rows at most, up to ${LIMIT_MAX}.`).argParser(parseLimit).default(100))
    .option("--json", "Prints JSON.");
  return addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]).action(showUsage);
}

async function showUsage(options: UsageOptions): Promise<void> {
  const config = await readConfig(options as unknown as Record<string, unknown>, false);
  const { by: keys, since, until, run, thread, assistant, user, tenant, model, limit } = options;
  const filter = omitUndefined<UsageFilter>({
    since,
    until,
    runId: run,
    threadId: thread,
    assistantId: assistant,
    userId: user,
    tenantId: tenant,
    model,
  });
  const log = (message: string): void => console.error(`holdfast: ${message}`);
  const { items, total } = await readUsage(config, log, (reports) =>
    reports.sumUsage({ ...filter, keys, limit, offset: 0 }, undefined),
  );
  if (options.json) return console.log(JSON.stringify(items.map(presentUsageRow), null, 2));
  if (items.length === 0) return console.log("No calls of models.");
  console.log(formatUsageTable(keys, items));
  if (total > items.length) console.log(`… and ${total - items.length} more rows; see --limit.`);
}

function parseKeys(text: string): UsageKey[] {
  const names = text
    .split(",")
    .map((name) => name.trim().replace(/^(run|thread|assistant|graph|user|tenant)$/, "$1_id"));
  const unknown = names.find((name) => !(USAGE_KEYS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${USAGE_KEYS.join(", ")}.`);
  return [...new Set(names)] as UsageKey[];
}

function parseWhen(text: string): Date {
  const ageMs = readAgeMs(text);
  const when = ageMs === undefined ? new Date(text) : new Date(Date.now() - ageMs);
  if (Number.isNaN(when.getTime()))
    throw new InvalidArgumentError("It must be a time, a day such as 2026-01-31, or an age such as 24h.");
  return when;
}
