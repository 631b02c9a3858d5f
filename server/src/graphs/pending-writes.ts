// Reads the writes LangGraph keeps beside a checkpoint: which tasks have given their output, which interrupts wait for an answer.
import type { CheckpointTuple } from "@langchain/langgraph-checkpoint";

/** LangGraph's id for writes that belong to no task. */
export const NO_TASK_ID = "00000000-0000-0000-0000-000000000000";
/** Answers given to a task's interrupts. */
export const RESUME_CHANNEL = "__resume__";
/** Interrupts a task raised. */
export const INTERRUPT_CHANNEL = "__interrupt__";
/** Our own channel, kept under a run's id where LangGraph looks for no task: the interrupts that were open when it resumed. */
export const LEDGER_CHANNEL = "__holdfast_resume__";

/** Writes of a task that are not its output. */
const CONTROL_CHANNELS = new Set([
  RESUME_CHANNEL,
  INTERRUPT_CHANNEL,
  LEDGER_CHANNEL,
  "__error__",
  "__scheduled__",
  "__error_source_node__",
]);

export type PendingWrites = NonNullable<CheckpointTuple["pendingWrites"]>;

/** Ids of the tasks that have given their output. */
export function outputTaskIds(writes: PendingWrites): Set<string> {
  const finished = new Set<string>();
  for (const [taskId, channel] of writes) if (!CONTROL_CHANNELS.has(channel)) finished.add(taskId);
  return finished;
}

/** Ids of the interrupts still waiting for an answer. */
export function openInterruptIds(writes: PendingWrites): Set<string> {
  const finished = outputTaskIds(writes);
  const ids = new Set<string>();
  for (const [taskId, channel, value] of writes) {
    if (channel !== INTERRUPT_CHANNEL || finished.has(taskId)) continue;
    const interrupts: unknown[] = Array.isArray(value) ? value : [value];
    for (const interrupt of interrupts) {
      const id: unknown =
        typeof interrupt === "object" && interrupt !== null ? Reflect.get(interrupt, "id") : undefined;
      if (typeof id === "string") ids.add(id);
    }
  }
  return ids;
}
