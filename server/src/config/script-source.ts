// A program that the project file names: a script and the export in it.
import { dirname, extname, resolve } from "node:path";
import { ConfigurationError } from "../domain/errors.ts";

const SCRIPT_EXTENSIONS = new Set([".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"]);

export interface ScriptSource {
  /** Absolute path of the file. */
  readonly file: string;
  /** Name of the export in it. */
  readonly exportName: string;
}

/**
 * Reads `./src/agent.ts:graph`, relative to the project file.
 * @param key where it stands in the file, for messages
 * @throws ConfigurationError
 */
export function resolveScript(projectFile: string, key: string, path: string): ScriptSource {
  const separator = path.lastIndexOf(":");
  const where = `The project file ${projectFile} is wrong:\n  ${key}: ${JSON.stringify(path)}`;
  if (separator < 1 || separator === path.length - 1) {
    throw new ConfigurationError(`${where} must be a file and an export, such as "./src/agent.ts:graph".`);
  }
  const script = path.slice(0, separator);
  if (!SCRIPT_EXTENSIONS.has(extname(script))) {
    const reason =
      extname(script) === ".py"
        ? "is a Python graph; Holdfast runs JavaScript and TypeScript"
        : "is not a JavaScript or TypeScript file";
    throw new ConfigurationError(`${where} ${reason} (${[...SCRIPT_EXTENSIONS].join(", ")}).`);
  }
  return { file: resolve(dirname(projectFile), script), exportName: path.slice(separator + 1) };
}
