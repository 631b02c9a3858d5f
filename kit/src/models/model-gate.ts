// What a server that runs many workers puts into a run's configuration, so that they keep rates and breakers together.
import { AsyncLocalStorageProviderSingleton } from "@langchain/core/singletons";

/** Where it is found: `config.configurable.__holdfast_model_gate`. */
export const MODEL_GATE_KEY = "__holdfast_model_gate";

/** Shared by all workers; each model under its name in the chain. */
export interface ModelGate {
  /** Takes a turn under a limit of calls a minute; milliseconds until it comes. */
  takeTurn(model: string, perMinuteMax: number): Promise<number>;
  mayCall(model: string): Promise<boolean>;
  recordFailure(model: string, limits: { failuresMax: number; openMs: number }): Promise<void>;
  recordSuccess(model: string): Promise<void>;
}

/** The gate of the run that is being carried out; undefined outside of such a server. */
export function findModelGate(): ModelGate | undefined {
  const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as
    | { configurable?: Record<string, unknown> }
    | undefined;
  const found = config?.configurable?.[MODEL_GATE_KEY];
  const isGate = typeof found === "object" && found !== null && "takeTurn" in found && "mayCall" in found;
  return isGate ? (found as ModelGate) : undefined;
}

/** Asks the gate; where it cannot answer, each process goes by what it knows itself. */
export async function askGate<Answer>(ask: () => Promise<Answer>, otherwise: Answer): Promise<Answer> {
  try {
    return await ask();
  } catch {
    return otherwise;
  }
}
