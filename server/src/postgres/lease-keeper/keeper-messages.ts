// What the main thread and the keeper's thread tell each other.
import type { Blockage } from "../../domain/ports/lease-keeper.ts";
import type { Fence, LeaseRenewal } from "../../domain/ports/run-queue.ts";

export interface KeeperStart {
  url: string;
  /** As for the pool of the main thread. */
  preparedStatements?: boolean;
  workerId: string;
  leaseDurationMs: number;
  heartbeatIntervalMs: number;
  /** Counted up by the main thread while its event loop turns. */
  beat: Int32Array;
}

export type ToKeeper = { kind: "hold"; fence: Fence } | { kind: "release"; runId: string } | { kind: "close" };

export type FromKeeper =
  | { kind: "renewed"; renewal: LeaseRenewal }
  | { kind: "failed"; message: string }
  | { kind: "blocked"; blockage: Blockage };

/** How often the main thread counts up. */
export const BEAT_INTERVAL_MS = 100;
/** A silence of the main thread that is worth a line in the log. */
export const BLOCKED_MIN_MS = 1_000;
/** A main thread that is silent longer is taken for hung: its leases are left to run out. */
export const BLOCKED_RENEW_MAX_MS = 10 * 60_000;
