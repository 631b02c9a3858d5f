// Loads one graph of the project: finds the export, says what it is, and hands out the compiled graph, made anew where it is a factory.
import { isAbsolute, resolve } from "node:path";
import { GraphLoadError } from "../domain/errors.ts";
import { type CompiledGraph, isCompiledGraph, isGraphBuilder } from "./compiled-graph.ts";
import { importModule } from "./import-module.ts";
import { describeError } from "./run-error.ts";

/** Where a graph is found. `path` is absolute or relative to the project. */
export interface GraphLocation {
  path: string;
  /** @default "default" */
  exportName?: string;
}

/** Why a graph is being made; the second argument of a factory in LangGraph's own servers. */
export interface FactoryRuntime {
  accessContext: "threads.create_run" | "threads.read" | "threads.update" | "assistants.read";
  /** Set for runs only. */
  executionRuntime: { context: unknown } | null;
}

export interface FactoryConfig {
  configurable: Record<string, unknown>;
  tags?: string[];
  recursionLimit?: number;
}

export interface LoadedGraph {
  /** Absolute path of the file it came from. */
  file: string;
  exportName: string;
  /** Whether each call makes its own graph. */
  isFactory: boolean;
  /** @throws GraphLoadError when a factory throws or gives something that is not a graph */
  instantiate(config: FactoryConfig, runtime: FactoryRuntime): Promise<CompiledGraph>;
}

type Factory = (config: FactoryConfig, runtime: FactoryRuntime) => unknown;

function describeValue(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `${typeof value === "undefined" ? "" : "a "}${typeof value}`;
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "a plain object" : `an instance of ${name}`;
}

/** A compiled graph from whatever an export or factory gave; `undefined` when it is none. */
function toCompiledGraph(value: unknown): CompiledGraph | undefined {
  // `createAgent` wraps its graph: the program that runs is the one inside.
  if (typeof value === "object" && value !== null && "graph" in value && isCompiledGraph(value.graph)) {
    return value.graph;
  }
  if (isCompiledGraph(value)) return value;
  if (!isGraphBuilder(value)) return undefined;
  const compiled = value.compile();
  return isCompiledGraph(compiled) ? compiled : undefined;
}

function notAGraph(where: string, value: unknown): GraphLoadError {
  return new GraphLoadError(
    `${where} is ${describeValue(value)}, not a graph. Export a compiled graph, a StateGraph, an agent made by createAgent, or a function that returns one of them.`,
  );
}

function compileExport(where: string, value: unknown): CompiledGraph {
  let graph: CompiledGraph | undefined;
  try {
    graph = toCompiledGraph(value);
  } catch (error) {
    throw new GraphLoadError(`${where} does not compile as a graph: ${describeError(error).message}`, { cause: error });
  }
  if (graph === undefined) throw notAGraph(where, value);
  return graph;
}

async function callFactory(
  where: string,
  factory: Factory,
  config: FactoryConfig,
  runtime: FactoryRuntime,
): Promise<CompiledGraph> {
  let made: unknown;
  try {
    made = await factory(config, runtime);
  } catch (error) {
    const { error: name, message } = describeError(error);
    throw new GraphLoadError(`The graph factory ${where} threw ${name}: ${message}`, { cause: error });
  }
  return compileExport(`What the factory ${where} returned`, made);
}

/**
 * Loads the graph at `location`.
 * @param options.revision raise it to read the file again after a change
 * @throws GraphLoadError naming the file, the export and what is wrong with it
 */
export async function loadGraph(
  location: GraphLocation,
  options: { projectDir: string; revision?: number },
): Promise<LoadedGraph> {
  const file = isAbsolute(location.path) ? location.path : resolve(options.projectDir, location.path);
  const exportName = location.exportName ?? "default";
  const where = `${file}:${exportName}`;
  const exports = await importModule(file, { projectDir: options.projectDir, revision: options.revision ?? 0 });
  if (!(exportName in exports)) {
    const names = Object.keys(exports).filter((name) => name !== "__esModule" && name !== "module.exports");
    const found = names.length === 0 ? "it exports nothing" : `its exports are: ${names.join(", ")}`;
    throw new GraphLoadError(`${file} has no export named "${exportName}"; ${found}.`);
  }
  const exported: unknown = await exports[exportName];
  if (typeof exported === "function") {
    const factory = exported as Factory;
    return {
      file,
      exportName,
      isFactory: true,
      instantiate: (config, runtime) => callFactory(where, factory, config, runtime),
    };
  }
  const graph = compileExport(where, exported);
  return { file, exportName, isFactory: false, instantiate: async () => graph };
}
