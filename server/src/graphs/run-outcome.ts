// Reads off a finished execution what its thread looks like now.
import type { ExecutionOutcome } from "../domain/ports/graph-runtime.ts";
import type { InterruptRecord } from "../domain/thread.ts";
import type { CompiledGraph, GraphSnapshot } from "./compiled-graph.ts";
import { toThreadValues, wholeValuesJson } from "./thread-values.ts";
import { toConfigurable } from "./wire-checkpoint.ts";
import { toWireValue } from "./wire-json.ts";

type State = Pick<ExecutionOutcome, "values" | "isThreadInterrupted" | "interrupts">;

/** The state of a run that keeps no checkpoints. */
export const NO_STATE: State = { isThreadInterrupted: false, interrupts: {} };

/** Pending interrupts by task id; a task that waits at a breakpoint has none, which is what its empty list says. */
export function interruptsByTask(snapshot: GraphSnapshot): Record<string, InterruptRecord[]> {
  const interrupts: Record<string, InterruptRecord[]> = {};
  for (const task of snapshot.tasks) {
    const isFinished = task.result !== undefined && task.result !== null;
    if (isFinished) continue;
    interrupts[task.id] = toWireValue(task.interrupts ?? []) as InterruptRecord[];
  }
  return interrupts;
}

/** Reads the thread's newest checkpoint. */
export async function readThreadOutcome(graph: CompiledGraph, threadId: string): Promise<State> {
  const snapshot = await graph.getState({ configurable: toConfigurable(threadId, undefined) });
  const checkpointId: unknown = snapshot.config.configurable?.checkpoint_id;
  if (typeof checkpointId !== "string") return NO_STATE;
  return {
    values: toThreadValues(snapshot.values, checkpointId),
    isThreadInterrupted: snapshot.next.length > 0,
    interrupts: snapshot.next.length > 0 ? interruptsByTask(snapshot) : {},
  };
}

/**
 * Adds the whole values as JSON, written only when somebody reads it: a run nobody waits for need not spell out a long history.
 */
export function withFinalValues(
  outcome: ExecutionOutcome,
  values: unknown,
  json: string | undefined,
): ExecutionOutcome {
  let written = json;
  Object.defineProperty(outcome, "finalValuesJson", {
    enumerable: true,
    get: () => {
      written ??= wholeValuesJson(values);
      return written;
    },
  });
  return outcome;
}
