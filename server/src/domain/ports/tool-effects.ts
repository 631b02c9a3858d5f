// Where effects of tools on the world outside are recorded; every write proves its fence.
import type { Fence } from "./run-queue.ts";

export interface NewEffect {
  /** The same for the same call, in every attempt and after every resume. */
  keyDigest: Buffer;
  toolName: string;
  argsJson: string;
  /** Whether the tool may be called again with the same idempotency key. */
  isIdempotent: boolean;
}

interface FoundEffect {
  /** Is also the idempotency key. */
  effectId: string;
  /** Answers of a person used up so far. */
  decisionCount: number;
}

export type EffectReservation =
  /** To be carried out now. */
  | (FoundEffect & { kind: "reserved" })
  /** Was carried out, or skipped by a person's decision; `result` is what was recorded. */
  | (FoundEffect & { kind: "settled"; result: string | null })
  /** Was begun and broken off; nobody knows whether it happened. */
  | (FoundEffect & { kind: "unknown"; reservedAt: Date; otherUnknownCount: number });

export interface EffectOutcome {
  status: "finished" | "failed" | "skipped";
  result: string | null;
  error: string | null;
  decisionCount: number;
}

export interface ToolEffects {
  /** @throws LeaseLostError */
  reserveEffect(fence: Fence, effect: NewEffect): Promise<EffectReservation>;
  /** Reserves an unknown effect again, because a person said so. @throws LeaseLostError */
  retryEffect(fence: Fence, effectId: string, decisionCount: number): Promise<void>;
  /** @throws LeaseLostError */
  settleEffect(fence: Fence, effectId: string, outcome: EffectOutcome): Promise<void>;
}
