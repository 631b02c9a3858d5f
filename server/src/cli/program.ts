// The command line as a whole: every command, with its flags.
import { Command } from "commander";
import { HOLDFAST_VERSION } from "../version.ts";
import { addApiCommand } from "./commands/api.ts";
import { addDevCommand } from "./commands/dev.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addInitCommand } from "./commands/init.ts";
import { addKeysCommand } from "./commands/keys.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { addOpenapiCommand } from "./commands/openapi.ts";
import { addPruneCommand } from "./commands/prune.ts";
import { addRekeyCommand } from "./commands/rekey.ts";
import { addRunsCommand } from "./commands/runs.ts";
import { addStartCommand } from "./commands/start.ts";
import { addUsageCommand } from "./commands/usage.ts";
import { addWorkerCommand } from "./commands/worker.ts";

/** Builds the program; parsing it runs the command that was asked for. */
export function createProgram(): Command {
  const program = new Command("holdfast")
    .description("Production server for LangGraph.js agents.")
    .version(HOLDFAST_VERSION, "-v, --version", "Prints the version.")
    .helpOption("-h, --help", "Prints this help.")
    .helpCommand("help [command]", "Prints the help of a command.")
    .addHelpText(
      "after",
      "\nFlags win over environment variables, those over the project file's env, that over .env in the working directory.",
    );
  for (const add of [
    addDevCommand,
    addStartCommand,
    addApiCommand,
    addWorkerCommand,
    addRunsCommand,
    addUsageCommand,
    addPruneCommand,
    addMigrateCommand,
    addRekeyCommand,
    addKeysCommand,
    addDoctorCommand,
    addInitCommand,
    addOpenapiCommand,
  ]) {
    // A wrong flag is answered with its name, then with everything that is allowed.
    add(program).helpOption("-h, --help", "Prints this help.").showHelpAfterError().showSuggestionAfterError();
  }
  return program.showHelpAfterError().showSuggestionAfterError();
}
