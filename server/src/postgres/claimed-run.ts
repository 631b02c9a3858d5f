// A run row as a statement that takes the right to write returns it, and the claimed run it stands for.
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import type { CancelAction } from "../domain/run.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { type RunRow, toRun } from "./run-row.ts";

export type ClaimedRow = RunRow & { epoch: string; cancel_action: CancelAction | null; next_event_seq: number };

export function toClaimedRun(cipher: ContentCipher, row: ClaimedRow): ClaimedRun {
  const run = toRun(cipher, row);
  return {
    run,
    fence: { threadId: run.threadId, runId: run.runId, epoch: row.epoch },
    nextEventSeq: row.next_event_seq,
    cancelAction: row.cancel_action,
  };
}
