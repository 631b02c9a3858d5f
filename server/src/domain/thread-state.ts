// A thread's state at a checkpoint in the shape clients see, and how a state is addressed and changed.

import type { JsonObject } from "./json.ts";
import type { RunCommand } from "./run.ts";
import type { InterruptRecord } from "./thread.ts";

/** Addresses a checkpoint within a thread. */
export interface CheckpointRef {
  checkpointId?: string;
  checkpointNs?: string;
  checkpointMap?: JsonObject;
}

export interface CheckpointConfig {
  threadId: string;
  checkpointNs: string;
  checkpointId?: string;
  checkpointMap?: JsonObject | null;
}

export interface TaskState {
  id: string;
  name: string;
  path: unknown[];
  error: string | null;
  interrupts: InterruptRecord[];
  checkpoint: CheckpointConfig | null;
  state: ThreadState | null;
  result: unknown;
}

export interface ThreadState {
  /** Plain data. Made when it is asked for: it can be thousands of messages. */
  readonly values: unknown;
  /** The same as JSON text, which costs less than writing out `values`. */
  readonly valuesJson: string;
  next: string[];
  tasks: TaskState[];
  /** Absent when the thread has no checkpoint yet. */
  metadata?: JsonObject;
  createdAt: string | null;
  checkpoint: CheckpointConfig | null;
  parentCheckpoint: CheckpointConfig | null;
  interrupts?: InterruptRecord[];
}

export interface StateUpdate {
  values?: unknown;
  command?: RunCommand;
  asNode?: string;
}

export interface HistoryQuery {
  limit: number;
  /** Exclusive; a checkpoint id or address. */
  before?: CheckpointRef;
  /** Containment filter on checkpoint metadata. */
  metadata?: JsonObject;
  checkpoint?: CheckpointRef;
}
