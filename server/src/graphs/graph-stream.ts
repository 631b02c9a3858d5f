// What executes a run's graph and emits what it streams, whatever the run streams.
import type { BudgetWarning } from "../domain/ports/model-accounts.ts";
import type { CompiledGraph, GraphCallConfig } from "./compiled-graph.ts";
import type { RootValues } from "./root-values.ts";

export interface RunStream {
  /** The root graph's values so far. */
  readonly values: RootValues;
  /** Calls the graph and emits what it streams. */
  consume(graph: CompiledGraph, input: unknown, config: GraphCallConfig): Promise<void>;
  /** Tells of interrupts at which an earlier attempt had stopped already. */
  addStop(interrupts: unknown[]): void;
  /** Tells that a budget is nearly used up. */
  addBudgetWarning(warning: BudgetWarning): void;
}
