// Puts an effect of unknown outcome to a person, through LangGraph's interrupt, and takes the answer; no answer counts twice.
import { interrupt } from "@langchain/langgraph";
import type { EffectRecorder, UnknownEffect } from "./effect-recorder.ts";

/** What the interrupt shows. */
export interface UnknownEffectQuestion {
  type: "unknown_effect";
  effect_id: string;
  tool: string;
  args: unknown;
  /** When the call began that was broken off (ISO 8601). */
  started_at: string;
  question: string;
  actions: readonly ["retry", "skip", "done"];
}

/** What the thread is resumed with. */
export interface EffectDecision {
  /** `retry`: carry it out again; `skip`: go on without it; `done`: it did happen. */
  action: "retry" | "skip" | "done";
  /** What the tool is to have returned, with `skip` and `done`. */
  result?: unknown;
  /** Needed where several effects wait at once. */
  effect_id?: string;
}

/** LangGraph's account of a task's answers. */
interface Scratchpad {
  resume?: unknown[];
  interruptCounter?: number;
}

/** The answers that an earlier attempt used lie before the next one: whoever asks next must not get them. */
export function skipUsedAnswers(count: number, configurable: Record<string, unknown>): void {
  const scratchpad = configurable.__pregel_scratchpad as Scratchpad | undefined;
  for (let used = 0; used < count; used++) {
    const next = (scratchpad?.interruptCounter ?? -1) + 1;
    if (next >= (scratchpad?.resume?.length ?? 0)) return;
    interrupt(undefined);
  }
}

/**
 * Stops the run until a person has decided. Throws LangGraph's interrupt where there is no answer yet.
 * @returns the decision, and how many answers of this task are used up with it
 */
export function askPerson(
  recorder: EffectRecorder,
  effect: UnknownEffect,
  call: { toolName: string; argsJson: string },
): { decision: EffectDecision; decisionCount: number } {
  const question: UnknownEffectQuestion = {
    type: "unknown_effect",
    effect_id: effect.effectId,
    tool: call.toolName,
    args: JSON.parse(call.argsJson),
    started_at: new Date(effect.reservedAt).toISOString(),
    question:
      `The tool ${call.toolName} was called and broken off; nobody knows whether it had its effect. ` +
      'Answer {"action": "retry"} to call it again, "skip" to go on without it, or "done" (with "result") if it did happen.' +
      (effect.otherUnknownCount > 0 ? ' Others wait too: name this one with "effect_id".' : ""),
    actions: ["retry", "skip", "done"],
  };
  const stashed = recorder.decisions.get(effect.effectId);
  if (isDecision(stashed)) {
    recorder.decisions.delete(effect.effectId);
    return { decision: stashed, decisionCount: effect.decisionCount };
  }
  for (let asked = 1; ; asked++) {
    const answer: unknown = interrupt(question);
    if (!isDecision(answer)) continue;
    if (answer.effect_id === effect.effectId || (answer.effect_id === undefined && effect.otherUnknownCount === 0)) {
      return { decision: answer, decisionCount: effect.decisionCount + asked };
    }
    // Of another effect in the same task: kept until that one asks.
    if (answer.effect_id !== undefined) recorder.decisions.set(answer.effect_id, answer);
  }
}

function isDecision(answer: unknown): answer is EffectDecision {
  if (typeof answer !== "object" || answer === null || !("action" in answer)) return false;
  return answer.action === "retry" || answer.action === "skip" || answer.action === "done";
}
