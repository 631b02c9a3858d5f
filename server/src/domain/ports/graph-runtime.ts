// What the server asks of the LangGraph side: the catalogue of graphs, a thread's state, and executing a run.
import type { GraphConfig } from "../assistant.ts";
import type { JsonObject } from "../json.ts";
import type { RunError } from "../run.ts";
import type { NewStreamEvent } from "../stream-event.ts";
import type { InterruptRecord } from "../thread.ts";
import type { CheckpointConfig, CheckpointRef, HistoryQuery, StateUpdate, ThreadState } from "../thread-state.ts";
import type { ClaimedRun, Fence, ThreadValues } from "./run-queue.ts";

export interface GraphInfo {
  graphId: string;
  description: string | null;
}

export interface GraphSchemas {
  graphId: string;
  inputSchema: JsonObject | null;
  outputSchema: JsonObject | null;
  stateSchema: JsonObject | null;
  configSchema: JsonObject | null;
  contextSchema: JsonObject | null;
}

export interface GraphCatalog {
  listGraphs(): GraphInfo[];
  hasGraph(graphId: string): boolean;
  /** The drawable graph as LangGraph's `toJSON` gives it. @throws GraphLoadError */
  drawGraph(graphId: string, config: GraphConfig, xray: boolean | number): Promise<JsonObject>;
  readSchemas(graphId: string, config: GraphConfig): Promise<GraphSchemas>;
  /** Schemas of subgraphs by namespace (`a`, with recurse also `a|b`). */
  readSubgraphs(
    graphId: string,
    config: GraphConfig,
    options: { namespace?: string; recurse: boolean },
  ): Promise<Record<string, GraphSchemas>>;
}

/** Which graph, configured how, a thread's state is read with. */
export interface StateContext {
  threadId: string;
  /** `undefined` for a thread that no run has touched: its state is empty. */
  graphId: string | undefined;
  config: GraphConfig;
}

export interface ThreadStateReader {
  readState(
    context: StateContext,
    checkpoint: CheckpointRef | undefined,
    options: { subgraphs: boolean },
  ): Promise<ThreadState>;
  readHistory(context: StateContext, query: HistoryQuery): Promise<ThreadState[]>;
}

/** Result of changing a thread's state by hand. */
export interface StateWrite {
  checkpoint: CheckpointConfig;
  values: ThreadValues | undefined;
  isThreadInterrupted: boolean;
  interrupts: Record<string, InterruptRecord[]>;
}

export interface ThreadStateWriter {
  /** Applies one update under the fence. @throws BadRequestError for an unknown or ambiguous node. */
  updateState(
    context: StateContext,
    fence: Fence,
    update: StateUpdate,
    checkpoint: CheckpointRef | undefined,
  ): Promise<StateWrite>;
  /** Applies supersteps of updates in order (thread import). */
  applySupersteps(context: StateContext, fence: Fence, supersteps: { updates: StateUpdate[] }[]): Promise<StateWrite>;
}

/** How an execution ended, before anything about it is committed. */
export interface ExecutionOutcome {
  status: "success" | "error" | "cancelled" | "drained";
  error: RunError | null;
  values?: ThreadValues;
  /** The values whole, as JSON text, for whoever waits in the same process. */
  finalValuesJson?: string;
  isThreadInterrupted: boolean;
  interrupts: Record<string, InterruptRecord[]>;
}

export interface GraphExecutor {
  /**
   * Runs the graph from its input, or from its checkpoint when an earlier attempt got that far. Emits wire events in order
   * (without the `metadata` event). Never throws for an error of the graph; throws LeaseLostError when the fence refused a write.
   */
  executeRun(
    claimed: ClaimedRun,
    options: { signal: AbortSignal; drainSignal: AbortSignal; emit: (event: NewStreamEvent) => void },
  ): Promise<ExecutionOutcome>;
}
