// What the kit's models are given to keep rates and breakers with the other workers: `configurable.__holdfast_model_gate`.
import type { ModelGate } from "../domain/ports/model-gate.ts";

/** Where the kit looks; the two underscores keep clients from setting it and everything from showing it. */
export const MODEL_GATE_KEY = "__holdfast_model_gate";

/** Of this process alone: no copy of the configuration that leaves it carries it along. */
export class HandedGate implements ModelGate {
  readonly #gate: ModelGate;

  constructor(gate: ModelGate) {
    this.#gate = gate;
  }

  takeTurn(model: string, perMinuteMax: number): Promise<number> {
    return this.#gate.takeTurn(model, perMinuteMax);
  }

  mayCall(model: string): Promise<boolean> {
    return this.#gate.mayCall(model);
  }

  recordFailure(model: string, { failuresMax, openMs }: { failuresMax: number; openMs: number }): Promise<void> {
    return this.#gate.recordFailure(model, { failuresMax, openMs });
  }

  recordSuccess(model: string): Promise<void> {
    return this.#gate.recordSuccess(model);
  }

  toJSON(): undefined {
    return undefined;
  }
}
