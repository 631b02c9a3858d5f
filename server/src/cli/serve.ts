// Runs one server process in the foreground: configuration, start, banner, stop.
import type { App, Roles, StartHooks } from "../app.ts";
import { type Config, loadConfig } from "../config/config.ts";
import { HOLDFAST_VERSION } from "../version.ts";
import { formatBanner } from "./banner.ts";
import { reportReady } from "./child-process.ts";
import { FLAG_NAMES, readEnvFlags } from "./env-flags.ts";
import { runUntilStopped, type ServedApp } from "./run-until-stopped.ts";

/** What a command asks for. */
export interface ServeRequest {
  readonly roles: Roles;
  /** As commander parsed them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What runs runs, in words for the banner. */
  readonly workers: string;
  /** @default false */
  readonly isDev?: boolean;
}

/** Serves until stopped, or until the parent that started it with a channel goes away. */
export async function serve({ roles, options, workers, isDev = false }: ServeRequest): Promise<void> {
  const config = await readConfig(options, isDev);
  const isQuiet = options.quiet === true;
  if (!isQuiet) {
    printWarnings(config);
  }
  await runUntilStopped(
    () => openApp(config, roles),
    (app) => {
      if (!isQuiet) {
        printBanner(config, app, workers);
      }
      reportReady(app.address);
    },
    { withParent: true },
  );
}

/** Configuration from flags, environment and project file. @throws ConfigurationError */
export function readConfig(options: Readonly<Record<string, unknown>>, isDev: boolean): Promise<Config> {
  const flags = readEnvFlags(options);
  const flagNames = Object.fromEntries(Object.entries(FLAG_NAMES).filter(([name]) => name in flags));
  return loadConfig({ flags, flagNames, isDev });
}

/** Loads the server only now: help, mistakes and maintenance need not wait for LangGraph (about a second). */
export async function openApp(config: Config, roles: Roles, hooks: StartHooks = {}): Promise<App> {
  const { createApp } = await import("../app.ts");
  return createApp(config, roles, hooks);
}

export function printBanner(config: Config, app: ServedApp, workers: string): void {
  const facts = {
    address: app.address,
    databaseDescription: app.databaseDescription,
    workers,
    version: HOLDFAST_VERSION,
  };
  console.log(formatBanner(config, facts));
}

/** What the project file asks for in vain. */
export function printWarnings(config: Config): void {
  for (const warning of config.project.warnings) {
    console.error(`holdfast: warning: ${warning}`);
  }
}
