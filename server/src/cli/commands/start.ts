// `holdfast start`: the API in this process, worker processes beside it, replaced when they die.
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Config } from "../../config/config.ts";
import { forkSelf, listenForReady } from "../child-process.ts";
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

/** Longest wait of the API for its first worker; a project whose graphs take longer is served without. */
const FIRST_WORKER_WAIT_MAX_MS = 20_000;

/**
 * This process makes and migrates the database that the workers then find ready. The API takes requests when the first worker
 * takes runs, so that whoever is answered is also served.
 */
async function openSupervised(config: Config): Promise<ServedApp> {
  let tellFirstReady = (): void => {};
  const firstReady = new Promise<void>((resolve) => {
    tellFirstReady = resolve;
  });
  const supervisor = new Supervisor({
    count: config.workers.processCount,
    startWorker: () => {
      const worker = forkSelf(["worker", "--quiet"]);
      listenForReady(worker, tellFirstReady);
      return worker;
    },
    drainGraceMs: config.workers.drainGraceMs,
    log: (message) => console.error(`holdfast: ${message}`),
  });
  // A second signal ends this process without asking; the workers must not outlive it by their whole drain.
  const killWorkers = (): void => supervisor.kill();
  process.once("exit", killWorkers);
  const app = await openApp(
    config,
    { api: true, worker: false },
    {
      onDatabaseOpen: () => supervisor.start(),
      beforeListening: async () => {
        if (config.workers.processCount === 0) return;
        await Promise.race([firstReady, sleep(FIRST_WORKER_WAIT_MAX_MS, undefined, { ref: false })]);
      },
    },
  ).catch((error: unknown) => {
    supervisor.kill();
    throw error;
  });
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
