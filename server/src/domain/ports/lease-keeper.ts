// Keeps the leases of a worker's runs alive beside the event loop, so that a node which blocks it does not lose them.
import type { Fence, LeaseRenewal } from "./run-queue.ts";

/** The event loop did not turn for a while. */
export interface Blockage {
  blockedMs: number;
  /** Where it was found, for example `node "crunch" (hashAll, agent.ts:14)`; `undefined` when that could not be seen. */
  where: string | undefined;
  runIds: string[];
}

export interface LeaseKeeperListener {
  /** Called after each renewal; runs whose lease is lost must stop. */
  renewed(renewal: LeaseRenewal): void;
  failed(error: Error): void;
  /** Called once a blockage is over. */
  blocked(blockage: Blockage): void;
}

export interface LeaseKeeper extends AsyncDisposable {
  /** Starts renewing the lease that was taken with the claim. */
  hold(fence: Fence): void;
  release(runId: string): void;
}

/** Starts a keeper for one worker. */
export type StartLeaseKeeper = (
  options: { workerId: string; leaseDurationMs: number; heartbeatIntervalMs: number },
  listener: LeaseKeeperListener,
) => LeaseKeeper;
