// What a server that records effects puts into a run's configuration, as far as the kit needs to know it.

/** Where it is found: `config.configurable.__holdfast_effects`. */
export const EFFECTS_KEY = "__holdfast_effects";

export interface EffectCall {
  toolName: string;
  argsJson: string;
  isIdempotent: boolean;
  toolCallId: string | undefined;
  checkpointNs: string;
  taskId: string;
  checkpointMap: Record<string, string>;
}

interface FoundEffect {
  effectId: string;
  decisionCount: number;
}

export type UnknownEffect = FoundEffect & { kind: "unknown"; reservedAt: Date; otherUnknownCount: number };

export type EffectReservation =
  | (FoundEffect & { kind: "reserved" })
  | (FoundEffect & { kind: "settled"; result: string | null })
  | UnknownEffect;

export interface EffectRecorder {
  reserve(call: EffectCall): Promise<EffectReservation>;
  retry(effectId: string, decisionCount: number): Promise<void>;
  settle(
    effectId: string,
    outcome: {
      status: "finished" | "failed" | "skipped";
      result: string | null;
      error: string | null;
      decisionCount: number;
    },
  ): Promise<void>;
  readonly decisions: Map<string, unknown>;
}

/** The recorder of this run; `undefined` outside of such a server. */
export function findRecorder(configurable: Record<string, unknown> | undefined): EffectRecorder | undefined {
  const found = configurable?.[EFFECTS_KEY];
  const isRecorder = typeof found === "object" && found !== null && "reserve" in found && "settle" in found;
  return isRecorder ? (found as EffectRecorder) : undefined;
}
