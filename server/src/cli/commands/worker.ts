// `holdfast worker`: runs graphs, without an API; as many as wanted, on as many machines as wanted.
import { type Command, Option } from "commander";
import { addEnvFlags, COMMON_FLAGS } from "../env-flags.ts";
import { serve } from "../serve.ts";

export function addWorkerCommand(program: Command): Command {
  const command = program
    .command("worker")
    .description("Runs graphs, without an API. Start as many as you like.")
    .addOption(new Option("--quiet").hideHelp());
  return addEnvFlags(command, ["HOLDFAST_SLOTS", ...COMMON_FLAGS]).action((options: Record<string, unknown>) =>
    serve({ roles: { api: false, worker: true }, options, workers: "this process" }),
  );
}
