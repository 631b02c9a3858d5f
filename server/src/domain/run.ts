// The run: one execution of an assistant, its statuses and their legal moves.
import type { GraphConfig } from "./assistant.ts";
import type { JsonObject } from "./json.ts";
import type { ThreadTtl } from "./thread.ts";

export const RUN_STATUSES = ["pending", "running", "success", "error", "timeout", "interrupted"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** The name of the error of a run that was given up because its workers died: it is in quarantine until somebody retries it. */
export const QUARANTINE_ERROR = "AttemptsExhaustedError";

/**
 * The only moves a run's status may make; every SQL transition names the status it comes from. `error` to `pending` is open to a
 * quarantined run alone, and only an operator makes it (`holdfast runs retry`).
 */
export const RUN_TRANSITIONS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ["running", "interrupted", "error"],
  running: ["success", "error", "timeout", "interrupted", "pending"],
  success: [],
  error: ["pending"],
  timeout: [],
  interrupted: [],
};

export type TerminalRunStatus = "success" | "error" | "timeout" | "interrupted";

/** Whether a run in this status has ended for good. */
export function isTerminal(status: RunStatus): status is TerminalRunStatus {
  return status !== "pending" && status !== "running";
}

/** Whether the run was given up because its workers died each time; such a run may be retried. */
export function isQuarantined(run: Pick<Run, "status" | "error">): boolean {
  return run.status === "error" && run.error?.error === QUARANTINE_ERROR;
}

export const MULTITASK_STRATEGIES = ["reject", "enqueue", "interrupt", "rollback"] as const;
export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

export const STREAM_MODES = [
  "values",
  "updates",
  "messages",
  "messages-tuple",
  "events",
  "debug",
  "tasks",
  "checkpoints",
  "custom",
  "tools",
] as const;
export type StreamMode = (typeof STREAM_MODES)[number];

export type Durability = "sync" | "async" | "exit";
export type CancelAction = "interrupt" | "rollback";

/** A resume, state update or jump in place of an input. */
export interface RunCommand {
  resume?: unknown;
  update?: JsonObject | [string, unknown][] | null;
  goto?: GotoTarget | GotoTarget[] | null;
}
export type GotoTarget = string | { node: string; input: unknown };

/** What a run was asked to do: everything the graph runtime needs, already merged with assistant and thread. */
export interface RunKwargs {
  graphId: string;
  /** Any JSON; `null` or absent continues from the checkpoint. */
  input?: unknown;
  command?: RunCommand;
  config: GraphConfig;
  context?: JsonObject;
  checkpoint?: { checkpointId?: string; checkpointNs?: string; checkpointMap?: JsonObject };
  streamMode: StreamMode[];
  streamSubgraphs: boolean;
  streamResumable: boolean;
  interruptBefore?: "*" | string[];
  interruptAfter?: "*" | string[];
  durability: Durability;
  feedbackKeys?: string[];
  webhook?: string;
  strictResume?: boolean;
  /** Set for runs whose events are those of the event protocol (v2) instead of stream modes. */
  isProtocol?: boolean;
  /** Whether a client follows the stream from the start: its events are written sooner. */
  isFollowed?: boolean;
  /** A run whose thread exists only for it and is removed at its end. */
  isTemporary: boolean;
  /** Whether the assistant limited how many of its runs may be running at once when this one was created. */
  isLimited?: boolean;
  /** Whether checkpoints are kept at all; `false` only for stateless runs with `on_completion: delete`. */
  isCheckpointed: boolean;
}

export interface Run {
  runId: string;
  threadId: string;
  assistantId: string;
  status: RunStatus;
  metadata: JsonObject;
  kwargs: RunKwargs;
  multitaskStrategy: MultitaskStrategy;
  attempt: number;
  /** Larger goes first among due runs. */
  priority: number;
  error: RunError | null;
  cancelReason: string | null;
  /** Its block of numbers on the thread's tape; `null` until it is claimed. */
  tapeBlock: number | null;
  /** Whether it computes events of the event protocol, besides its stream modes where `kwargs.isProtocol` is unset. */
  isTaped: boolean;
  availableAt: Date;
  createdAt: Date;
  updatedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}

/** Why a run failed, in the shape clients see. */
export interface RunError {
  error: string;
  message: string;
  /** Why a strict resume was refused; such a run leaves its thread as it was. */
  refusal?: ResumeRefusal;
}

/** What a strict resume named and what waits instead. */
export interface ResumeRefusal {
  /** `not_pending`, `empty_map` or `ambiguous`. */
  reason: string;
  interruptIds: string[];
  pendingIds: string[];
}

/** The part of an error that clients know. */
export function toPublicError({ error, message }: RunError): RunError {
  return { error, message };
}

/**
 * A run to be admitted. Its metadata and configurable are those of the run alone: admission lays them over the assistant's
 * and the thread's (assistant < thread < run) while it holds the thread's row.
 */
export interface NewRun {
  runId: string;
  threadId: string;
  assistantId: string;
  metadata: JsonObject;
  assistantMetadata: JsonObject;
  kwargs: RunKwargs;
  assistantConfigurable: JsonObject;
  /** Wins over every other configurable: ids, auth, trusted headers. */
  forcedConfigurable: JsonObject;
  /** What stays on the thread's config for later runs. */
  stickyConfig: GraphConfig;
  multitaskStrategy: MultitaskStrategy;
  ifThreadMissing: "reject" | "create";
  /** Of the thread, where it is created. @default none */
  threadTtl?: { strategy: ThreadTtl["strategy"]; ttlMinutes: number };
  delayMs: number;
  priority: number;
}
