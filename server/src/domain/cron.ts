// The cron: a schedule whose ticks start runs of an assistant.
import type { JsonObject } from "./json.ts";

export interface Cron {
  cronId: string;
  assistantId: string;
  /** `null`: each run gets a thread of its own. */
  threadId: string | null;
  /** Five fields: minute, hour, day of month, month, day of week. */
  schedule: string;
  /** IANA name; `null` is UTC. */
  timezone: string | null;
  /** No tick after it fires. */
  endTime: Date | null;
  /** The tick that fires next; `null` when there is none any more. */
  nextRunAt: Date | null;
  /** What its creator asked for, in wire form. */
  payload: JsonObject;
  /** The same in the engine's words, with the creator's identity; never shown. */
  runRequest: JsonObject;
  metadata: JsonObject;
  /** Who created it, where authentication is on. */
  userId: string | null;
  isEnabled: boolean;
  /** What becomes of the thread of a run that got one of its own. */
  onRunCompleted: "delete" | "keep";
  createdAt: Date;
  updatedAt: Date;
}

export type NewCron = Omit<Cron, "createdAt" | "updatedAt">;

/** What an update may change. */
export type CronChanges = Omit<NewCron, "cronId" | "assistantId" | "threadId" | "userId">;

export type CronSortKey = "cronId" | "assistantId" | "threadId" | "nextRunAt" | "endTime" | "createdAt" | "updatedAt";
