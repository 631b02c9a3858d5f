// A row of the cron table and the cron it stands for.
import type { Cron, CronChanges } from "../domain/cron.ts";
import type { JsonObject } from "../domain/json.ts";
import type { ContentCipher } from "./content/content-cipher.ts";

export interface CronRow {
  cron_id: string;
  assistant_id: string;
  thread_id: string | null;
  schedule: string;
  timezone: string | null;
  end_time: Date | null;
  next_run_date: Date | null;
  payload: JsonObject;
  run_request: JsonObject;
  metadata: JsonObject;
  user_id: string | null;
  is_enabled: boolean;
  on_run_completed: "delete" | "keep";
  created_at: Date;
  updated_at: Date;
}

export function toCron(cipher: ContentCipher, row: CronRow): Cron {
  return {
    cronId: row.cron_id,
    assistantId: row.assistant_id,
    threadId: row.thread_id,
    schedule: row.schedule,
    timezone: row.timezone,
    endTime: row.end_time,
    nextRunAt: row.next_run_date,
    payload: cipher.openJson("cron", row.payload),
    runRequest: cipher.openJson("cron", row.run_request),
    metadata: row.metadata,
    userId: row.user_id,
    isEnabled: row.is_enabled,
    onRunCompleted: row.on_run_completed,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Columns of what can change, in the order of `changeValues`. */
export const CHANGE_COLUMNS = [
  "schedule",
  "timezone",
  "end_time",
  "next_run_date",
  "payload",
  "run_request",
  "metadata",
  "is_enabled",
  "on_run_completed",
] as const;

export function changeValues(cipher: ContentCipher, cron: CronChanges): unknown[] {
  return [
    cron.schedule,
    cron.timezone,
    cron.endTime,
    cron.nextRunAt,
    cipher.sealJson("cron", JSON.stringify(cron.payload)),
    cipher.sealJson("cron", JSON.stringify(cron.runRequest)),
    JSON.stringify(cron.metadata),
    cron.isEnabled,
    cron.onRunCompleted,
  ];
}
