// What a run's tools are given to record their effects with: `configurable.__holdfast_effects`, read by the kit's `withEffect`.
import { createHash } from "node:crypto";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { EffectOutcome, EffectReservation, ToolEffects } from "../domain/ports/tool-effects.ts";
import type { FencedSaver } from "./fenced-saver.ts";

/** Where the kit looks; the two underscores keep clients from setting it and everything from showing it. */
export const EFFECTS_KEY = "__holdfast_effects";

/** One call of a tool, as the kit sees it. */
export interface EffectCall {
  toolName: string;
  argsJson: string;
  isIdempotent: boolean;
  /** Set where a model asked for the call. */
  toolCallId: string | undefined;
  /** LangGraph's namespace of the task; holds the ids of the tasks it is in. */
  checkpointNs: string;
  taskId: string;
  /** The checkpoints the task was made from, by namespace: its own graph's and those of the graphs around it. */
  checkpointMap: Record<string, string>;
}

/** Which run it is, and where its checkpoints are. */
export interface EffectScope {
  fence: Fence;
  /** Unset where the run's checkpoints cannot be waited for: none, or only one at its end. */
  saver: Pick<FencedSaver, "hasNamespace" | "whenCheckpointSaved"> | undefined;
}

export class EffectRecorder {
  readonly #effects: ToolEffects;
  readonly #fence: Fence;
  readonly #saver: EffectScope["saver"];
  /** Calls without an id of their own so far, by task, tool and arguments: the n-th is the same one in every attempt. */
  readonly #ordinals = new Map<string, number>();
  /** Answers that name an effect which has not asked yet. */
  readonly decisions = new Map<string, unknown>();

  constructor(effects: ToolEffects, { fence, saver }: EffectScope) {
    this.#effects = effects;
    this.#fence = fence;
    this.#saver = saver;
  }

  async reserve(call: EffectCall): Promise<EffectReservation> {
    const { toolName, argsJson, isIdempotent } = call;
    const identity = JSON.stringify(
      (await this.#waitForTask(call)) ? this.#taskIdentity(call) : this.#runIdentity(call),
    );
    const keyDigest = createHash("sha256").update(identity).digest();
    return this.#effects.reserveEffect(this.#fence, { keyDigest, toolName, argsJson, isIdempotent });
  }

  retry(effectId: string, decisionCount: number): Promise<void> {
    return this.#effects.retryEffect(this.#fence, effectId, decisionCount);
  }

  settle(effectId: string, outcome: EffectOutcome): Promise<void> {
    return this.#effects.settleEffect(this.#fence, effectId, outcome);
  }

  /**
   * A task has the same ids again only where the checkpoint that it was made from is kept.
   * @returns whether it is
   */
  async #waitForTask({ checkpointMap }: EffectCall): Promise<boolean> {
    const saver = this.#saver;
    const checkpoints = Object.entries(checkpointMap);
    const isKept = checkpoints.length > 0 && checkpoints.every(([namespace]) => saver?.hasNamespace(namespace));
    if (saver === undefined || !isKept) return false;
    await Promise.all(checkpoints.map(([, checkpointId]) => saver.whenCheckpointSaved(checkpointId)));
    return true;
  }

  #taskIdentity({ checkpointNs, taskId, toolName, argsJson, toolCallId }: EffectCall): unknown[] {
    const parts = ["task", checkpointNs, taskId, toolName, argsJson];
    return [...parts, toolCallId ?? this.#nextOrdinal(JSON.stringify(parts))];
  }

  /** A run that starts over makes new tasks and asks its models again: the same are its id, the names of its nodes and their order. */
  #runIdentity({ checkpointNs, toolName, argsJson }: EffectCall): unknown[] {
    const nodes = checkpointNs.split("|").map((part) => part.split(":")[0]);
    const parts = ["run", this.#fence.runId, nodes, toolName, argsJson];
    return [...parts, this.#nextOrdinal(JSON.stringify(parts))];
  }

  /** It is of this process alone: no copy of the configuration that leaves it carries it along. */
  toJSON(): undefined {
    return undefined;
  }

  #nextOrdinal(key: string): number {
    const ordinal = this.#ordinals.get(key) ?? 0;
    this.#ordinals.set(key, ordinal + 1);
    return ordinal;
  }
}
