// `holdfast start`: the API in this process, worker processes beside it, replaced when they die.
import type { Command } from "commander";
import type { Config } from "../../config/config.ts";
import { forkSelf } from "../child-process.ts";
import { addEnvFlags, COMMON_FLAGS } from "../env-flags.ts";
import { runUntilStopped, type ServedApp } from "../run-until-stopped.ts";
import { openApp, printBanner, printWarnings, readConfig } from "../serve.ts";
import { Supervisor } from "../supervisor.ts";

export function addStartCommand(program: Command): Command {
  const command = program
    .command("start")
    .description("Serves the API and keeps worker processes running. For production.");
  return addEnvFlags(command, ["PORT", "HOST", "HOLDFAST_WORKERS", "HOLDFAST_SLOTS", ...COMMON_FLAGS]).action(start);
}

async function start(options: Record<string, unknown>): Promise<void> {
  const config = await readConfig(options, false);
  printWarnings(config);
  const { processCount, slots } = config.workers;
  await runUntilStopped(
    () => openSupervised(config),
    (app) =>
      printBanner(
        config,
        app,
        `${count(processCount, "process", "processes")}, ${count(slots, "run", "runs")} at once in each`,
      ),
  );
}

/** The API first: it makes and migrates the database that the workers then find ready. */
async function openSupervised(config: Config): Promise<ServedApp> {
  const app = await openApp(config, { api: true, worker: false });
  const supervisor = new Supervisor({
    count: config.workers.processCount,
    startWorker: () => forkSelf(["worker", "--quiet"]),
    drainGraceMs: config.workers.drainGraceMs,
    log: (message) => console.error(`holdfast: ${message}`),
  });
  // A second signal ends this process without asking; the workers must not outlive it by their whole drain.
  const killWorkers = (): void => supervisor.kill();
  process.once("exit", killWorkers);
  return {
    address: app.address,
    databaseDescription: app.databaseDescription,
    drain: async () => {
      await Promise.all([app.drain(), supervisor.stop()]);
    },
    async [Symbol.asyncDispose]() {
      await supervisor.stop();
      process.off("exit", killWorkers);
      await app[Symbol.asyncDispose]();
    },
  };
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
