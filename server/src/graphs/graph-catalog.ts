// Answers what the project's graphs are: their list, drawing, schemas and subgraphs.
import type { GraphConfig } from "../domain/assistant.ts";
import { type JsonObject, omitUndefined } from "../domain/json.ts";
import type { GraphCatalog, GraphInfo, GraphSchemas } from "../domain/ports/graph-runtime.ts";
import type { CompiledGraph } from "./compiled-graph.ts";
import { drawGraph } from "./draw.ts";
import type { GraphRegistry } from "./graph-registry.ts";
import { isDescribedByTypes, readGraphSchemas } from "./schemas.ts";
import type { StaticSchemas } from "./static-schemas/static-schemas.ts";
import { withoutReservedKeys } from "./wire-checkpoint.ts";

const NAMESPACE_SEPARATOR = "|";

export class ProjectCatalog implements GraphCatalog {
  readonly #registry: GraphRegistry;
  readonly #types: StaticSchemas | undefined;

  /** @param types reads schemas off TypeScript types; without it channels have to do */
  constructor(registry: GraphRegistry, types?: StaticSchemas) {
    this.#registry = registry;
    this.#types = types;
  }

  listGraphs(): GraphInfo[] {
    return this.#registry.list();
  }

  hasGraph(graphId: string): boolean {
    return this.#registry.has(graphId);
  }

  async drawGraph(graphId: string, config: GraphConfig, xray: boolean | number): Promise<JsonObject> {
    const graph = await this.#graph(graphId, config);
    return drawGraph(graph, withoutReservedKeys(config.configurable), xray);
  }

  async readSchemas(graphId: string, config: GraphConfig): Promise<GraphSchemas> {
    const graph = await this.#graph(graphId, config);
    if (isDescribedByTypes(graph)) await this.#requestTypes(graphId);
    return readGraphSchemas(graphId, graph, this.#types?.find(graphId));
  }

  /** Begins to read the types of every graph that needs it; returns before that is done. */
  async readTypes(): Promise<void> {
    for (const { graphId } of this.#registry.list()) {
      const graph = await this.#graph(graphId, {}).catch(() => undefined);
      // A factory that needs a configuration cannot be asked; its types can.
      if (graph === undefined || isDescribedByTypes(graph)) await this.#requestTypes(graphId).catch(() => undefined);
    }
  }

  async #requestTypes(graphId: string): Promise<void> {
    if (this.#types === undefined) return;
    const { file, exportName } = await this.#registry.load(graphId);
    this.#types.request({ graphId, file, exportName });
  }

  async readSubgraphs(
    graphId: string,
    config: GraphConfig,
    options: { namespace?: string; recurse: boolean },
  ): Promise<Record<string, GraphSchemas>> {
    const graph = await this.#graph(graphId, config);
    const { namespace, recurse } = options;
    // LangGraph finds a subgraph below a subgraph only when it descends.
    const isDeep = namespace?.includes(NAMESPACE_SEPARATOR) === true;
    const schemas: Record<string, GraphSchemas> = {};
    for await (const [name, subgraph] of graph.getSubgraphsAsync(namespace, recurse || isDeep)) {
      if (!recurse && isDeep && name !== namespace) continue;
      schemas[name] = readGraphSchemas(graphId, subgraph);
    }
    return schemas;
  }

  #graph(graphId: string, config: GraphConfig): Promise<CompiledGraph> {
    const { tags, recursionLimit } = config;
    const factoryConfig = omitUndefined({
      configurable: withoutReservedKeys(config.configurable),
      tags,
      recursionLimit,
    });
    return this.#registry.instantiate(graphId, factoryConfig, {
      accessContext: "assistants.read",
      executionRuntime: null,
    });
  }
}
