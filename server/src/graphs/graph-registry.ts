// The graphs of the project by id: loaded once, on first use, and instantiated per call where they are factories.
import { NotFoundError } from "../domain/errors.ts";
import type { GraphInfo } from "../domain/ports/graph-runtime.ts";
import type { CompiledGraph } from "./compiled-graph.ts";
import { findGraphLibrary, type GraphLibrary } from "./graph-library.ts";
import { type FactoryConfig, type FactoryRuntime, type LoadedGraph, loadGraph } from "./load-graph.ts";

/** One entry of `graphs` in the project file. */
export interface GraphDefinition {
  /** Absolute, or relative to the project. */
  path: string;
  /** @default "default" */
  exportName?: string;
  description?: string | null;
}

export class GraphRegistry {
  readonly #graphs: Readonly<Record<string, GraphDefinition>>;
  readonly #projectDir: string;
  readonly #loaded = new Map<string, Promise<LoadedGraph>>();
  /** Counts reloads. */
  #revision = 0;

  constructor(options: { graphs: Readonly<Record<string, GraphDefinition>>; projectDir: string }) {
    this.#graphs = options.graphs;
    this.#projectDir = options.projectDir;
  }

  list(): GraphInfo[] {
    return Object.entries(this.#graphs).map(([graphId, definition]) => ({
      graphId,
      description: definition.description ?? null,
    }));
  }

  has(graphId: string): boolean {
    return Object.hasOwn(this.#graphs, graphId);
  }

  /** @throws NotFoundError, GraphLoadError */
  load(graphId: string): Promise<LoadedGraph> {
    const definition = this.has(graphId) ? this.#graphs[graphId] : undefined;
    if (definition === undefined) {
      return Promise.reject(new NotFoundError(`Graph "${graphId}" is not configured in this project.`));
    }
    let loading = this.#loaded.get(graphId);
    if (loading === undefined) {
      loading = loadGraph(definition, { projectDir: this.#projectDir, revision: this.#revision });
      this.#loaded.set(graphId, loading);
      // Tried again next time, when a missing file may be there; one that failed to import is read again after a reload.
      loading.catch(() => this.#loaded.delete(graphId));
    }
    return loading;
  }

  /** The graph to work with for one call. @throws NotFoundError, GraphLoadError */
  async instantiate(graphId: string, config: FactoryConfig, runtime: FactoryRuntime): Promise<CompiledGraph> {
    const loaded = await this.load(graphId);
    return loaded.instantiate(config, runtime);
  }

  /** The copy of LangGraph that `graph`, an instance of `graphId`, was made with. */
  async findLibrary(graphId: string, graph: CompiledGraph): Promise<GraphLibrary> {
    const { file } = await this.load(graphId);
    return await findGraphLibrary(graph, file);
  }

  /** Makes every graph load again from its file on next use (`holdfast dev`). */
  reload(): void {
    this.#revision += 1;
    this.#loaded.clear();
  }
}
