// What the workers of a deployment share about models: their rate and whether they are well.

export interface ModelGate {
  /**
   * Takes the model's next turn under a limit of calls a minute, a tenth of which may go at once.
   * @returns milliseconds until the turn comes; its caller waits
   */
  takeTurn(model: string, perMinuteMax: number): Promise<number>;
  /** Whether calls may be made; one of all workers may try when the time of a model that is left alone is over. */
  mayCall(model: string): Promise<boolean>;
  /** After `failuresMax` failures in a row the model is left alone for `openMs`. */
  recordFailure(model: string, limits: { failuresMax: number; openMs: number }): Promise<void>;
  recordSuccess(model: string): Promise<void>;
}
