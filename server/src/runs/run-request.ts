// A request for a run as a door hands it in: parsed and in our words, not yet merged with its assistant and thread.
import type { GraphConfig } from "../domain/assistant.ts";
import type { JsonObject } from "../domain/json.ts";
import type { Durability, MultitaskStrategy, RunCommand, RunKwargs, StreamMode } from "../domain/run.ts";

/** Ids given to a run before it is created. */
export interface ReservedRunIds {
  runId: string;
  threadId: string;
  /** Whether an earlier try may have created the run already. */
  isRepeat: boolean;
}

export interface RunRequest {
  /** A UUID or a graph id. */
  assistantId: string;
  /** Absent for a stateless run. */
  threadId?: string;
  /** Ids that an idempotency key reserves: the run's, and that of its thread where it is stateless. @default minted */
  ids?: ReservedRunIds;
  input?: unknown;
  command?: RunCommand;
  config?: GraphConfig;
  context?: JsonObject;
  metadata?: JsonObject;
  checkpoint?: RunKwargs["checkpoint"];
  /** @default ["values"] */
  streamMode?: StreamMode[];
  streamSubgraphs?: boolean;
  streamResumable?: boolean;
  interruptBefore?: "*" | string[];
  interruptAfter?: "*" | string[];
  /** @default "async" */
  durability?: Durability;
  feedbackKeys?: string[];
  webhook?: string;
  strictResume?: boolean;
  /** Streams the event protocol (v2); `streamMode` does not count then. @default false */
  isProtocol?: boolean;
  /** Set by doors that stream the run to its creator. @default false */
  isFollowed?: boolean;
  /** @default "enqueue" */
  multitaskStrategy?: MultitaskStrategy;
  /** @default "reject" */
  ifNotExists?: "reject" | "create";
  /** Stateless runs only. @default "delete" */
  onCompletion?: "delete" | "keep";
  afterSeconds?: number;
  /** -100 to 100; larger goes first. @default 0 */
  priority?: number;
  /** Values that auth and header rules add to `configurable`; never stored on the thread. */
  trustedConfigurable?: JsonObject;
}
