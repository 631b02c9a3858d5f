// `holdfast migrate`: brings the database's schema up to date, for deployments that do this before they start.
import type { Command } from "commander";
import { migrateDatabase, printSchema } from "../../assembly/maintenance.ts";
import { addEnvFlags } from "../env-flags.ts";
import { readConfig } from "../serve.ts";

export function addMigrateCommand(program: Command): Command {
  const command = program
    .command("migrate")
    .description("Applies the migrations that the database lacks. Every start does this too.")
    .option("--print-schema", "Prints the resulting schema as SQL.");
  return addEnvFlags(command, ["HOLDFAST_CONFIG", "DATABASE_URL", "HOLDFAST_DATA_DIR"]).action(runMigrations);
}

async function runMigrations(options: Record<string, unknown>): Promise<void> {
  const config = await readConfig(options, false);
  const log = (message: string): void => console.error(`holdfast: ${message}`);
  if (options.printSchema === true) {
    process.stdout.write(await printSchema(config, log));
    return;
  }
  const { description, applied } = await migrateDatabase(config, log);
  const outcome = applied.length === 0 ? "was up to date" : `applied ${applied.join(", ")}`;
  console.log(`${description}: ${outcome}.`);
}
