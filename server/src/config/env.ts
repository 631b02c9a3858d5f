// The only file that touches the process environment: reads the variables of the table, and fills in what env files add.
import { readFile } from "node:fs/promises";
import { parse as parseDotenv } from "dotenv";
import { z } from "zod";
import { ConfigurationError } from "../domain/errors.ts";
import { ENV_VARIABLES, type EnvName } from "./env-variables.ts";

/** Parsed values of all variables, named as in the environment. */
export type Env = { readonly [N in EnvName]: z.output<(typeof ENV_VARIABLES)[N]["schema"]> };

/** Variables as text, the way an environment or an env file has them. */
export type EnvText = Readonly<Record<string, string | undefined>>;

/** Values are cut to this many characters in messages. */
const SHOWN_VALUE_MAX = 80;

/**
 * Parses the variables.
 * @param source where to read from. @default the process environment
 * @param flagNames command-line flags by the variable they stand for, so that a message names what the person wrote.
 * @throws ConfigurationError naming every wrong variable, its value unless it is secret, and what is allowed.
 */
export function parseEnv(source: EnvText = process.env, flagNames: Partial<Record<string, string>> = {}): Env {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, variable] of Object.entries(ENV_VARIABLES)) {
    const result = z.safeParse(variable.schema, source[name]);
    if (result.success) {
      values[name] = result.data;
    } else {
      const written = variable.isSecret ? "(hidden)" : JSON.stringify(String(source[name]).slice(0, SHOWN_VALUE_MAX));
      const flag = flagNames[name];
      problems.push(
        `${flag === undefined ? name : `${flag} (${name})`} is ${written}, but must be ${variable.allowed}.`,
      );
    }
  }
  if (problems.length > 0) {
    throw new ConfigurationError(problems.join("\n"));
  }
  return Object.freeze(values) as Env;
}

/** One variable as it stands in the process environment, for the few that are needed before all are parsed. */
export function readEnvText(name: EnvName): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** Every variable of the process environment, for handing to a child process. */
export function copyEnv(changes: EnvText = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...changes };
}

/** Adds variables that the process does not have, so that graphs and model providers see them; what is set already stays. */
export function fillEnv(additions: EnvText): void {
  for (const [name, value] of Object.entries(additions)) {
    if (value !== undefined) {
      process.env[name] ??= value;
    }
  }
}

/** Sets variables to what flags say: a flag wins over the environment. */
export function overrideEnv(changes: EnvText): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value !== undefined) {
      process.env[name] = value;
    }
  }
}

/** Whether the process has a value for `name`, known to the table or not. */
export function hasEnv(name: string): boolean {
  return (process.env[name] ?? "") !== "";
}

/**
 * Reads an env file.
 * @returns `undefined` when there is no such file
 * @throws ConfigurationError when it cannot be read.
 */
export async function readEnvFile(path: string): Promise<EnvText | undefined> {
  try {
    return parseDotenv(await readFile(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw new ConfigurationError(`The env file ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}
