// Notices of ended runs: what is to be sent, where it may go, and one attempt's result.
import type { Run } from "./run.ts";

/** Where webhooks may go. */
export interface WebhookRules {
  /** Without it every webhook is refused. */
  isEnabled: boolean;
  /** Names, `*.example.com` for all below one; `undefined` for any. An exact entry may also have a private address. */
  allowedDomains: readonly string[] | undefined;
  /** `undefined` for any. */
  allowedPorts: readonly number[] | undefined;
  isHttpsRequired: boolean;
  /** Addresses of this machine. */
  isLoopbackAllowed: boolean;
  /** Addresses of private networks. */
  isPrivateAllowed: boolean;
  /** Paths that start with `/`, which mean this server itself. */
  isOwnPathAllowed: boolean;
  urlCharsMax: number;
}

/** One notice, claimed for an attempt. */
export interface WebhookDelivery {
  /** The same over all attempts, so that a receiver can tell a repetition. */
  deliveryId: string;
  url: string;
  /** The run as it ended. */
  run: Run;
  /** The thread's checkpoint when the run ended; `null` where it wrote none. */
  finalCheckpointId: string | null;
  /** Number of this attempt, from 1. */
  attempt: number;
  createdAt: Date;
}
