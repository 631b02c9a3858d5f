// Reads off a finished execution what its thread looks like now.
import type { ExecutionOutcome } from "../domain/ports/graph-runtime.ts";
import type { ThreadValues } from "../domain/ports/run-queue.ts";
import type { InterruptRecord } from "../domain/thread.ts";
import type { CompiledGraph, GraphSnapshot, GraphSnapshotTask } from "./compiled-graph.ts";
import { toThreadValues, wholeValuesJson } from "./thread-values.ts";
import { toConfigurable } from "./wire-checkpoint.ts";
import { toWireValue } from "./wire-json.ts";

/** What a run left behind, filled in as it becomes known. */
export class RunOutcome implements ExecutionOutcome {
  readonly status: ExecutionOutcome["status"];
  readonly error: ExecutionOutcome["error"];
  values?: ThreadValues;
  isThreadInterrupted = false;
  interrupts: Record<string, InterruptRecord[]> = {};
  #wholeValues: unknown;
  #wholeJson: string | undefined;

  constructor(status: ExecutionOutcome["status"], error: ExecutionOutcome["error"]) {
    this.status = status;
    this.error = error;
  }

  /** Written only when somebody reads it: a run nobody waits for need not spell out a long history. */
  get finalValuesJson(): string | undefined {
    if (this.#wholeJson === undefined && this.#wholeValues !== undefined) {
      this.#wholeJson = wholeValuesJson(this.#wholeValues);
    }
    return this.#wholeJson;
  }

  /** @param json the values' JSON text, where it was written already */
  setFinalValues(values: unknown, json: string | undefined): void {
    this.#wholeValues = values;
    this.#wholeJson = json?.startsWith("{") === true ? json : undefined;
  }

  /** Takes the values for the thread's row too. Call after {@link setFinalValues}. */
  setThreadValues(values: unknown, checkpointId: string | null): void {
    this.values = toThreadValues(values, checkpointId, this.#wholeJson);
    if (this.values.omittedChannels.length === 0) this.#wholeJson = this.values.json;
  }

  /** Takes everything from the thread's newest checkpoint. */
  setSnapshot(snapshot: GraphSnapshot): void {
    const checkpointId: unknown = snapshot.config.configurable?.checkpoint_id;
    if (typeof checkpointId !== "string") return;
    this.setFinalValues(snapshot.values, undefined);
    this.setThreadValues(snapshot.values, checkpointId);
    this.isThreadInterrupted = snapshot.next.length > 0;
    this.interrupts = interruptsByTask(snapshot);
  }

  /** Work that was cut off is not a question to a human: only real interrupts keep the thread waiting. */
  keepOnlyInterrupts(): void {
    const asked = Object.entries(this.interrupts).filter(([, interrupts]) => interrupts.length > 0);
    this.interrupts = Object.fromEntries(asked);
    this.isThreadInterrupted = asked.length > 0;
  }
}

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
 * The thread's newest checkpoint.
 * @param graph for snapshots of the thread
 */
export function readHead(graph: CompiledGraph, threadId: string): Promise<GraphSnapshot> {
  return graph.getState({ configurable: toConfigurable(threadId, undefined) });
}
