// Imports a user's module from its file, TypeScript included, and turns every failure into one sentence about that file.
import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname, join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { GraphLoadError } from "../domain/errors.ts";
import { describeError, errorName } from "./run-error.ts";

const TYPESCRIPT_EXTENSIONS = new Set([".ts", ".tsx", ".mts", ".cts"]);
const JAVASCRIPT_EXTENSIONS = new Set([".js", ".jsx", ".mjs", ".cjs"]);

let typescriptLoader: Promise<void> | undefined;

/**
 * Teaches Node to load TypeScript, once per process. Without a namespace, so that user code resolves packages normally and shares
 * the server's. Both module systems are needed: in a project without `"type": "module"` a `.ts` file is CommonJS.
 */
function registerTypescriptLoader(): Promise<void> {
  typescriptLoader ??= Promise.all([import("tsx/cjs/api"), import("tsx/esm/api")]).then(([commonjs, esm]) => {
    commonjs.register();
    esm.register();
  });
  return typescriptLoader;
}

/** A JavaScript file may import TypeScript ones; Node would remember a failure to do so for good. */
async function isTypescriptProject(projectDir: string): Promise<boolean> {
  const manifest = await stat(join(projectDir, "tsconfig.json")).catch(() => undefined);
  return manifest?.isFile() === true;
}

/** The first lines of a transform error name file, line and column; the rest is noise. */
const COMPILE_MESSAGE_LINES_MAX = 4;

function explain(file: string, error: unknown): GraphLoadError {
  const { error: name, message } = describeError(error);
  if (errorName(error) === "TransformError" || error instanceof SyntaxError) {
    const lines = message.split("\n").filter((line) => line.trim() !== "");
    const where = lines.length > 1 && lines[0]?.startsWith("Transform failed") ? lines.slice(1) : lines;
    return new GraphLoadError(`${file} does not compile: ${where.slice(0, COMPILE_MESSAGE_LINES_MAX).join(" ")}`, {
      cause: error,
    });
  }
  return new GraphLoadError(`${file} failed while being imported: ${name}: ${message}`, { cause: error });
}

/** A CommonJS module imported as ESM has its exports on `default`, and sometimes only there. */
function flattenExports(namespace: Record<string, unknown>): Record<string, unknown> {
  const inner = namespace.default;
  const isCommonjs =
    "module.exports" in namespace || (typeof inner === "object" && inner !== null && "__esModule" in inner);
  if (!isCommonjs || typeof inner !== "object" || inner === null) return namespace;
  const { default: _namespaceDefault, ...named } = namespace;
  return { ...named, ...(inner as Record<string, unknown>) };
}

/** Forgets the project's CommonJS modules, so that the next import reads their files again. */
function forgetCommonjsModules(projectDir: string): void {
  const { cache } = createRequire(import.meta.url);
  const prefix = projectDir.endsWith(sep) ? projectDir : projectDir + sep;
  for (const file of Object.keys(cache)) {
    if (file.startsWith(prefix) && !file.includes(`${sep}node_modules${sep}`)) delete cache[file];
  }
}

/**
 * The exports of `file`. A `revision` above 0 reads the file anew; modules it imports are read anew only in CommonJS projects,
 * because Node never forgets an ES module: a change in those needs a restart.
 * @throws GraphLoadError when the file is missing, of an unknown kind, does not compile or throws
 */
export async function importModule(
  file: string,
  options: { projectDir: string; revision: number },
): Promise<Record<string, unknown>> {
  const extension = extname(file);
  const isTypescript = TYPESCRIPT_EXTENSIONS.has(extension);
  if (!isTypescript && !JAVASCRIPT_EXTENSIONS.has(extension)) {
    throw new GraphLoadError(
      `${file} is not a JavaScript or TypeScript file (.js, .mjs, .cjs, .ts, .mts, .cts, .tsx).`,
    );
  }
  const info = await stat(file).catch(() => undefined);
  if (!info?.isFile()) throw new GraphLoadError(`${file} does not exist.`);
  if (isTypescript || (await isTypescriptProject(options.projectDir))) await registerTypescriptLoader();
  const url = pathToFileURL(file);
  if (options.revision > 0) {
    forgetCommonjsModules(options.projectDir);
    url.searchParams.set("revision", String(options.revision));
  }
  try {
    return flattenExports((await import(url.href)) as Record<string, unknown>);
  } catch (error) {
    throw explain(file, error);
  }
}
