// A row of the run table and the run it stands for.

import type { JsonObject } from "../domain/json.ts";
import type { MultitaskStrategy, Run, RunError, RunKwargs, RunStatus } from "../domain/run.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { openKwargs, openRunError } from "./content/sealed-columns.ts";

export interface RunRow {
  run_id: string;
  thread_id: string;
  assistant_id: string;
  status: RunStatus;
  metadata: JsonObject;
  kwargs: RunKwargs;
  multitask_strategy: MultitaskStrategy;
  attempt: number;
  priority: number;
  error: RunError | null;
  cancel_reason: string | null;
  tape_block: number | null;
  is_taped: boolean;
  available_at: Date;
  created_at: Date;
  updated_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

/** Columns of a run as `toRun` needs them; `alias` is the table's name in the query. */
export function runColumns(alias: string): string {
  return RUN_COLUMNS.map((column) => `${alias}.${column}`).join(", ");
}

const RUN_COLUMNS = [
  "run_id",
  "thread_id",
  "assistant_id",
  "status",
  "metadata",
  "kwargs",
  "multitask_strategy",
  "attempt",
  "priority",
  "error",
  "cancel_reason",
  "tape_block",
  "is_taped",
  "available_at",
  "created_at",
  "updated_at",
  "started_at",
  "ended_at",
] as const satisfies readonly (keyof RunRow)[];

export function toRun(cipher: ContentCipher, row: RunRow): Run {
  return {
    runId: row.run_id,
    threadId: row.thread_id,
    assistantId: row.assistant_id,
    status: row.status,
    metadata: row.metadata,
    kwargs: openKwargs(cipher, row.kwargs),
    multitaskStrategy: row.multitask_strategy,
    attempt: row.attempt,
    priority: row.priority,
    error: openRunError(cipher, row.error),
    cancelReason: row.cancel_reason,
    tapeBlock: row.tape_block,
    isTaped: row.is_taped,
    availableAt: row.available_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
