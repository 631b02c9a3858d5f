// Reads off a finished execution what its thread looks like now.
import type { ExecutionOutcome } from "../domain/ports/graph-runtime.ts";
import type { InterruptRecord } from "../domain/thread.ts";
import type { CompiledGraph, GraphSnapshot, GraphSnapshotTask } from "./compiled-graph.ts";
import { toThreadValues, wholeValuesJson } from "./thread-values.ts";
import { toConfigurable } from "./wire-checkpoint.ts";
import { toWireValue } from "./wire-json.ts";

type State = Pick<ExecutionOutcome, "values" | "isThreadInterrupted" | "interrupts">;

/** The state of a run that keeps no checkpoints. */
export const NO_STATE: State = { isThreadInterrupted: false, interrupts: {} };

/** The tasks of a snapshot that are still to be done; one without interrupts waits at a breakpoint or was cut off. */
export function pendingTasks(snapshot: GraphSnapshot): GraphSnapshotTask[] {
  return snapshot.tasks.filter((task) => {
    if ((task.interrupts ?? []).length > 0) return true;
    return (task.result === undefined || task.result === null) && snapshot.next.includes(task.name);
  });
}

/** Pending interrupts by task id; a task at a breakpoint has none, which is what its empty list says. */
export function interruptsByTask(snapshot: GraphSnapshot): Record<string, InterruptRecord[]> {
  const entries = pendingTasks(snapshot).map((task) => [task.id, toWireValue(task.interrupts ?? [])]);
  return Object.fromEntries(entries) as Record<string, InterruptRecord[]>;
}

/**
 * Reads the thread's newest checkpoint.
 * @param graph for snapshots of the thread
 */
export async function readThreadOutcome(graph: CompiledGraph, threadId: string): Promise<State> {
  const snapshot = await graph.getState({ configurable: toConfigurable(threadId, undefined) });
  const checkpointId: unknown = snapshot.config.configurable?.checkpoint_id;
  if (typeof checkpointId !== "string") return NO_STATE;
  return {
    values: toThreadValues(snapshot.values, checkpointId),
    isThreadInterrupted: snapshot.next.length > 0,
    interrupts: interruptsByTask(snapshot),
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
