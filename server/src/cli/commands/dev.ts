// `holdfast dev`: API and worker in one process, started anew when the project's files change.
import { type Command, Option } from "commander";
import { copyEnv } from "../../config/env.ts";
import { addEnvFlags, COMMON_FLAGS, readEnvFlags } from "../env-flags.ts";
import { ReloadingServer } from "../reloading-server.ts";
import { readConfig, serve } from "../serve.ts";

export function addDevCommand(program: Command): Command {
  const command = program
    .command("dev")
    .description("Serves API and runs in one process, and starts it anew when a project file changes. For development.")
    .option("--no-reload", "Does not watch for changes.")
    .addOption(new Option("--quiet").hideHelp());
  return addEnvFlags(command, ["PORT", "HOST", "HOLDFAST_SLOTS", ...COMMON_FLAGS]).action(dev);
}

async function dev(options: Record<string, unknown>): Promise<void> {
  if (options.reload === false) {
    await serve({ roles: { api: true, worker: true }, options, workers: "this process", isDev: true });
    return;
  }
  // Taken before files add to it: each start reads an edited .env afresh.
  const env = copyEnv(readEnvFlags(options));
  const config = await readConfig(options, true);
  const server = new ReloadingServer({
    dir: config.project.dir,
    args: ["dev", "--no-reload"],
    env,
    drainGraceMs: config.workers.drainGraceMs,
    log: (message) => console.error(`holdfast: ${message}`),
  });
  process.exitCode = await server.run();
}
