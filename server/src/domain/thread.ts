// The thread: a durable conversation or case that owns checkpoints.
import type { GraphConfig } from "./assistant.ts";
import type { JsonObject } from "./json.ts";

export const THREAD_STATUSES = ["idle", "busy", "interrupted", "error"] as const;
export type ThreadStatus = (typeof THREAD_STATUSES)[number];

/** How and when a thread is removed; `ttlMinutes` counts from the last change. */
export interface ThreadTtl {
  strategy: "delete" | "keep_latest";
  ttlMinutes: number;
  expiresAt: Date;
}

/** A pending interrupt in its wire shape. */
export type InterruptRecord = JsonObject & { id?: string; value?: unknown };

export interface Thread {
  threadId: string;
  status: ThreadStatus;
  metadata: JsonObject;
  config: GraphConfig;
  /** Output channels at the newest checkpoint in wire form; `null` before the first checkpoint. */
  values: JsonObject | null;
  /** Pending interrupts by task id. */
  interrupts: Record<string, InterruptRecord[]>;
  /** What ended the last run, when `status` is `error`. */
  error: JsonObject | null;
  ttl: ThreadTtl | null;
  createdAt: Date;
  updatedAt: Date;
  stateUpdatedAt: Date | null;
}

export interface NewThread {
  threadId: string;
  metadata: JsonObject;
  config?: GraphConfig;
  ttl?: { strategy: "delete" | "keep_latest"; ttlMinutes: number };
}

export interface ThreadPatch {
  metadata?: JsonObject;
  ttl?: { strategy: "delete" | "keep_latest"; ttlMinutes: number };
}

export type ThreadSortKey = "threadId" | "status" | "createdAt" | "updatedAt" | "stateUpdatedAt";
