// Command-line flags that stand for environment variables: one table, so that flags, variables and help cannot disagree.
import type { Command } from "commander";
import type { EnvText } from "../config/env.ts";
import { ENV_VARIABLES, type EnvName } from "../config/env-variables.ts";

/** Flag, with the name of its value for the help. */
const FLAGS = {
  PORT: "-p, --port <number>",
  HOST: "--host <address>",
  HOLDFAST_CONFIG: "-c, --config <file>",
  DATABASE_URL: "--database-url <url>",
  HOLDFAST_DATA_DIR: "--data-dir <folder>",
  REDIS_URL: "--redis-url <url>",
  MODEL: "-m, --model <provider:name>",
  HOLDFAST_WORKERS: "-w, --workers <count>",
  HOLDFAST_SLOTS: "--slots <count>",
  LOG_LEVEL: "--log-level <level>",
  HOLDFAST_LOG_FORMAT: "--log-format <format>",
} as const satisfies Partial<Record<EnvName, string>>;

/** A variable that has a flag. */
export type FlagName = keyof typeof FLAGS;

/** Long flags by variable (`PORT` to `--port`), for messages. */
export const FLAG_NAMES: Readonly<Record<FlagName, string>> = Object.fromEntries(
  Object.entries(FLAGS).map(([name, flag]) => [name, /--[a-z-]+/.exec(flag)?.[0] ?? flag]),
) as Record<FlagName, string>;

/** Variables that every command which needs a configuration understands. */
export const COMMON_FLAGS: readonly FlagName[] = [
  "HOLDFAST_CONFIG",
  "DATABASE_URL",
  "HOLDFAST_DATA_DIR",
  "REDIS_URL",
  "MODEL",
  "LOG_LEVEL",
  "HOLDFAST_LOG_FORMAT",
];

/** Adds the flags of these variables, described as in the documentation. */
export function addEnvFlags(command: Command, names: readonly FlagName[]): Command {
  for (const name of names) {
    const { description, allowed, defaultText } = ENV_VARIABLES[name];
    const fallback = defaultText === "" ? "" : `; default: ${defaultText.replace(/^\((.*)\)$/, "$1")}`;
    command.option(FLAGS[name], `${description} Same as ${name}. (${allowed}${fallback})`);
  }
  return command;
}

/** What was written on the command line, by variable. */
export function readEnvFlags(options: Readonly<Record<string, unknown>>): EnvText {
  const flags: Record<string, string> = {};
  for (const [name, flag] of Object.entries(FLAG_NAMES)) {
    const value = options[camelCase(flag)];
    if (typeof value === "string") {
      flags[name] = value;
    }
  }
  return flags;
}

/** `--data-dir` to `dataDir`, the way commander names options. */
function camelCase(flag: string): string {
  return flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
