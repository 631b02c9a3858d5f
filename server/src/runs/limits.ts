// Everything in the engine that has a limit, with its unit last; defaults come from the configuration.

import type { NewRun } from "../domain/run.ts";

export interface EngineLimits {
  /** How long a worker may write without renewing; by the database's clock. */
  leaseDurationMs: number;
  heartbeatIntervalMs: number;
  /** Safety net under the notices: how often queues and followed streams are looked at anyway. */
  pollIntervalMs: number;
  /** Lost leases before a run is given up. */
  attemptMax: number;
  /** Runs at once in one worker. */
  slotsMax: number;
  /** Pending runs before new ones are refused with 503. */
  queueDepthMax: number;
  /** Time to live of threads that runs create; `undefined` for ever. */
  defaultThreadTtl: NewRun["threadTtl"];
  /** How long the run of a request with an idempotency key can be asked for again. */
  idempotencyRetentionMs: number;
  /** Total time of one execution; 0 for none. */
  runTimeoutMs: number;
  /** Longest time of one execution without a stream event; 0 for none. */
  idleTimeoutMs: number;
  /** Time in-flight runs get to finish on drain before they are asked to stop at the next superstep. */
  drainGraceMs: number;
}

/** A node that ignores its abort signal is left behind after this; its writes are fenced off. */
export const CANCEL_SETTLE_MS = 1_500;

/** Longest wait of an event for its batch, where a client follows the stream. */
export const FOLLOWED_FLUSH_INTERVAL_MS = 12;
/** The same while nobody is known to follow the run; a run of a few steps then writes its events with its end. */
export const UNFOLLOWED_FLUSH_INTERVAL_MS = 100;
export const EVENT_BATCH_COUNT_MAX = 256;
export const EVENT_BUFFER_COUNT_MAX = 4_096;
/** Events read for one follower in one go. */
export const EVENT_READ_COUNT_MAX = 1_000;
/** Runs whose events are read in one query. */
export const FEED_READ_RUNS_MAX = 500;
/** Runs on a thread's tape that are still replayed; what came before is in the thread's state. */
export const TAPE_RETAINED_RUNS_MAX = 20;
/** Runs of a tape read in one query. */
export const TAPE_READ_RUNS_MAX = 20;
