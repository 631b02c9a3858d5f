// Finds, reads and checks the project file, and resolves the paths in it.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigurationError } from "../domain/errors.ts";
import { type EnvText, hasEnv, readEnvFile } from "./env.ts";
import { IMAGE_KEYS, type ProjectFileContent, projectFileSchema } from "./project-file-schema.ts";
import { resolveScript, type ScriptSource } from "./script-source.ts";

/** Name that is looked for in the working directory. */
const PROJECT_FILE_NAME = "langgraph.json";

/** Keys that are checked but not acted upon yet; each is reported once by its path. */
const KEYS_NOT_HONOURED: readonly string[] = [
  "auth.cache",
  "auth.openapi",
  "checkpointer.backend",
  "checkpointer.path",
  "checkpointer.serde",
  "encryption",
  "node_loader",
  "store.path",
];

/** Where one graph's program is. */
interface GraphSource extends ScriptSource {
  readonly description: string | undefined;
}

/** A project file, read and checked. */
export interface Project {
  /** Absolute path of the project file. */
  readonly file: string;
  /** Its folder: paths in the file are relative to it. */
  readonly dir: string;
  /** Whether these are the agents that come with Holdfast. */
  readonly isBuiltIn: boolean;
  readonly graphs: Readonly<Record<string, GraphSource>>;
  /** Variables that the file adds to the environment. */
  readonly env: EnvText;
  /** The checked content, for the parts that read their own keys. */
  readonly content: ProjectFileContent;
  /** One sentence per key that has no effect and per variable that is missing. */
  readonly warnings: readonly string[];
}

/**
 * The project file to use: the one asked for, else `langgraph.json` in `cwd`, else the built-in agents'.
 * @throws ConfigurationError when the one asked for does not exist.
 */
export function findProjectFile(cwd: string, wanted: string | undefined): { file: string; isBuiltIn: boolean } {
  if (wanted !== undefined) {
    const file = resolve(cwd, wanted);
    if (!existsSync(file)) {
      throw new ConfigurationError(`The project file ${file} (HOLDFAST_CONFIG or --config) does not exist.`);
    }
    return { file, isBuiltIn: false };
  }
  const file = resolve(cwd, PROJECT_FILE_NAME);
  if (existsSync(file)) {
    return { file, isBuiltIn: false };
  }
  return { file: fileURLToPath(import.meta.resolve("@holdfast/agents/langgraph.json")), isBuiltIn: true };
}

/**
 * Reads and checks a project file.
 * @throws ConfigurationError naming the file and the JSON path of everything that is wrong.
 */
export async function readProjectFile(file: string, isBuiltIn = false): Promise<Project> {
  const content = checkContent(file, await readJson(file));
  const dir = dirname(file);
  const warnings = listIgnoredKeys(content).map((key) => `${file}: "${key}" is not supported yet and has no effect.`);
  const env = await resolveEnv(file, content, warnings);
  return { file, dir, isBuiltIn, graphs: resolveGraphs(file, content), env, content, warnings };
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigurationError(`The project file ${file} cannot be read: ${cause.message}.`, { cause });
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError(`The project file ${file} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
}

function checkContent(file: string, json: unknown): ProjectFileContent {
  const result = z.safeParse(projectFileSchema, json);
  if (result.success) {
    return result.data;
  }
  const problems = result.error.issues.map((issue) => `  ${describePath(issue.path)}: ${describeIssue(issue)}`);
  throw new ConfigurationError(`The project file ${file} is wrong:\n${problems.join("\n")}`);
}

/** A JSON path as one would write it in JavaScript: `graphs.agent`, `http.cors.allow_origins[0]`. */
function describePath(path: readonly PropertyKey[]): string {
  return (
    path.reduce<string>(
      (text, key) =>
        typeof key === "number" ? `${text}[${key}]` : text === "" ? String(key) : `${text}.${String(key)}`,
      "",
    ) || "the whole file"
  );
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_union") {
    const options = issue.errors.flat().map(describeIssue);
    return [...new Set(options)].join(", or ");
  }
  return issue.message;
}

function resolveGraphs(file: string, content: ProjectFileContent): Record<string, GraphSource> {
  const graphs: Record<string, GraphSource> = {};
  for (const [graphId, entry] of Object.entries(content.graphs)) {
    const { path, description } = typeof entry === "string" ? { path: entry, description: undefined } : entry;
    graphs[graphId] = { ...resolveScript(file, `graphs.${graphId}`, path), description };
  }
  return graphs;
}

async function resolveEnv(file: string, content: ProjectFileContent, warnings: string[]): Promise<EnvText> {
  const { env } = content;
  if (typeof env === "string") {
    const path = resolve(dirname(file), env);
    const found = await readEnvFile(path);
    if (found === undefined) {
      warnings.push(`${file}: the env file ${path} does not exist.`);
    }
    return found ?? {};
  }
  if (Array.isArray(env)) {
    for (const name of env.filter((each) => !hasEnv(each))) {
      warnings.push(`${file}: the environment variable ${name}, which "env" asks for, is not set.`);
    }
    return {};
  }
  return Object.fromEntries(Object.entries(env ?? {}).map(([name, value]) => [name, String(value)]));
}

/** Groups of which some keys are honoured and some are not. */
const CHECKED_BY_KEY = ["auth", "http", "checkpointer", "store", "webhooks"] as const;

function isCheckedByKey(key: string): key is (typeof CHECKED_BY_KEY)[number] {
  return (CHECKED_BY_KEY as readonly string[]).includes(key);
}

/** Paths of keys that have no effect: those not honoured yet, and those nobody knows. */
function listIgnoredKeys(content: ProjectFileContent): string[] {
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(content)) {
    if (IMAGE_KEYS.has(key)) {
      continue;
    }
    if (KEYS_NOT_HONOURED.includes(key) || !(key in projectFileSchema.shape)) {
      ignored.push(key);
    } else if (isCheckedByKey(key)) {
      const known = Object.keys((projectFileSchema.shape[key].unwrap() as z.ZodObject).shape);
      const unsupported = Object.keys(value as object).filter(
        (inner) => !known.includes(inner) || KEYS_NOT_HONOURED.includes(`${key}.${inner}`),
      );
      ignored.push(...unsupported.map((inner) => `${key}.${inner}`));
    }
  }
  return ignored;
}
