// `holdfast api`: the HTTP API alone; workers run elsewhere.
import type { Command } from "commander";
import { addEnvFlags, COMMON_FLAGS } from "../env-flags.ts";
import { serve } from "../serve.ts";

export function addApiCommand(program: Command): Command {
  const command = program
    .command("api")
    .description("Serves the HTTP API without running anything; start workers beside it.");
  return addEnvFlags(command, ["PORT", "HOST", ...COMMON_FLAGS]).action((options: Record<string, unknown>) =>
    serve({ roles: { api: true, worker: false }, options, workers: "none here; start them with: holdfast worker" }),
  );
}
