// The LangGraph side of the server in one piece: built from explicit dependencies, handed out as the domain's ports.
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import type {
  GraphCatalog,
  GraphExecutor,
  ThreadStateReader,
  ThreadStateWriter,
} from "../domain/ports/graph-runtime.ts";
import type { ModelAccounts } from "../domain/ports/model-accounts.ts";
import type { ModelGate } from "../domain/ports/model-gate.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { ToolEffects } from "../domain/ports/tool-effects.ts";
import { RunExecutor } from "./execute-run.ts";
import { ProjectCatalog } from "./graph-catalog.ts";
import { type GraphDefinition, GraphRegistry } from "./graph-registry.ts";
import { StaticSchemas, type StaticSchemasOptions } from "./static-schemas/static-schemas.ts";
import { StateReader } from "./thread-state.ts";
import { StateWriter } from "./update-state.ts";

export interface GraphRuntimeOptions {
  /** The project file's graphs by id. */
  graphs: Readonly<Record<string, GraphDefinition>>;
  /** Absolute path that relative graph paths start from. */
  projectDir: string;
  /** A checkpointer that writes under the fence; without one it is used for reading only. */
  openCheckpointer: (fence: Fence | undefined) => BaseCheckpointSaver;
  /** Long-term memory handed to every graph. */
  store?: BaseStore;
  /** Where tools record their effects; without it they just run. */
  effects?: ToolEffects;
  /** Where calls of models are accounted; without it they just run. */
  modelAccounts?: ModelAccounts;
  /** What the workers share about models. */
  modelGate?: ModelGate;
  /** How schemas are read off TypeScript types; without it graphs described by types alone show their channels' names. */
  types?: Omit<StaticSchemasOptions, "projectDir">;
  /** Longest time of one attempt of a node that sets no limit of its own. @default 0, no limit */
  nodeTimeoutMs?: number;
}

export interface GraphRuntime {
  catalog: GraphCatalog;
  stateReader: ThreadStateReader;
  stateWriter: ThreadStateWriter;
  executor: GraphExecutor;
  /**
   * Loads every graph now, so that a broken one is known at the start and the first run need not wait.
   * @throws GraphLoadError of the first graph that cannot be loaded
   */
  loadGraphs(): Promise<void>;
  /** Begins to read the schemas of graphs that are described by types alone; returns before that is done. */
  readTypes(): Promise<void>;
  /** Makes every graph load again from its file on next use (`holdfast dev`). */
  reloadGraphs(): void;
  close(): Promise<void>;
}

/** Builds the graph runtime; loads nothing yet. */
export function createGraphRuntime(options: GraphRuntimeOptions): GraphRuntime {
  const { graphs, projectDir, openCheckpointer, store } = options;
  const registry = new GraphRegistry({ graphs, projectDir });
  const types = options.types === undefined ? undefined : new StaticSchemas({ ...options.types, projectDir });
  const catalog = new ProjectCatalog(registry, types);
  const shared = { registry, openCheckpointer, store };
  return {
    catalog,
    stateReader: new StateReader(shared),
    stateWriter: new StateWriter(shared),
    executor: new RunExecutor({
      ...shared,
      effects: options.effects,
      modelAccounts: options.modelAccounts,
      modelGate: options.modelGate,
      nodeTimeoutMs: options.nodeTimeoutMs ?? 0,
    }),
    loadGraphs: async () => {
      for (const { graphId } of registry.list()) await registry.load(graphId);
    },
    readTypes: () => catalog.readTypes(),
    reloadGraphs: () => {
      registry.reload();
      types?.reset();
    },
    // Checkpointers and the store belong to whoever gave them.
    close: async () => types?.[Symbol.dispose](),
  };
}
