// The part of a compiled LangGraph program that the server uses, described by shape because a user's project may bring its own LangGraph copy.

/** A snapshot of state as LangGraph's `getState` gives it. */
export interface GraphSnapshot {
  values: unknown;
  next: string[];
  tasks: GraphSnapshotTask[];
  metadata?: Record<string, unknown>;
  config: GraphCallConfig;
  createdAt?: string;
  parentConfig?: GraphCallConfig;
}

export interface GraphSnapshotTask {
  id: string;
  name: string;
  path?: unknown[];
  error?: unknown;
  interrupts?: unknown[];
  /** The subgraph's snapshot when asked for, else the configuration that addresses it. */
  state?: GraphSnapshot | GraphCallConfig;
  result?: unknown;
}

export interface GraphCallConfig {
  configurable?: Record<string, unknown>;
  [key: string]: unknown;
}

/** One update of a bulk state change. */
export interface GraphStateUpdate {
  values: unknown;
  asNode: string | undefined;
}

export interface GraphEvent {
  event: string;
  run_id: string;
  tags?: string[];
  data: { chunk?: unknown };
}

/** An event of LangGraph's event protocol, as `streamEvents` gives it in version v3. */
export interface ProtocolEvent {
  method: string;
  params: { namespace: string[]; timestamp: number; node?: string; data: unknown };
}

export interface CompiledGraph {
  nodes: Record<string, unknown>;
  channels: Record<string, unknown>;
  /** The channels that make up the state: one name for graphs whose state is a single value. */
  streamChannelsAsIs: string | string[];
  interruptBefore?: "*" | string[];
  interruptAfter?: "*" | string[];
  /** Extensions of the event protocol; `undefined` in copies of LangGraph that are older than it. */
  streamTransformers?: unknown[];
  stream(input: unknown, options: GraphCallConfig): Promise<AsyncIterable<unknown>>;
  streamEvents(input: unknown, options: GraphCallConfig & { version: "v2" }): AsyncIterable<GraphEvent>;
  /** Rejects in copies of LangGraph that are older than the protocol (1.3). */
  streamEvents(input: unknown, options: GraphCallConfig & { version: "v3" }): Promise<AsyncIterable<ProtocolEvent>>;
  getState(config: GraphCallConfig, options?: { subgraphs?: boolean }): Promise<GraphSnapshot>;
  getStateHistory(config: GraphCallConfig, options?: Record<string, unknown>): AsyncIterable<GraphSnapshot>;
  bulkUpdateState(
    config: GraphCallConfig,
    supersteps: { updates: GraphStateUpdate[] }[],
  ): Promise<{ configurable?: Record<string, unknown> }>;
  getGraphAsync(config: GraphCallConfig): Promise<{ toJSON(): Record<string, unknown> }>;
  getSubgraphsAsync(namespace?: string, recurse?: boolean): AsyncIterable<[string, CompiledGraph]>;
}

function hasMethod(value: object, name: string): boolean {
  return typeof Reflect.get(value, name) === "function";
}

/** Whether this is a compiled graph (of any LangGraph copy). */
export function isCompiledGraph(value: unknown): value is CompiledGraph {
  return (
    typeof value === "object" &&
    value !== null &&
    hasMethod(value, "stream") &&
    hasMethod(value, "getState") &&
    "nodes" in value &&
    "channels" in value
  );
}

/** Whether this is a graph that still has to be compiled. */
export function isGraphBuilder(value: unknown): value is { compile(): unknown } {
  return typeof value === "object" && value !== null && hasMethod(value, "compile") && !isCompiledGraph(value);
}
