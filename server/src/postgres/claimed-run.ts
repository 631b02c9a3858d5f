// A run row as a statement that takes the right to write returns it, and the claimed run it stands for.
import { SealedContentError } from "../domain/errors.ts";
import type { ClaimedRun } from "../domain/ports/run-queue.ts";
import type { CancelAction } from "../domain/run.ts";
import type { ContentCipher } from "./content/content-cipher.ts";
import { withoutSealed } from "./content/sealed-columns.ts";
import { type RunRow, toRun } from "./run-row.ts";

export type ClaimedRow = RunRow & { epoch: string; cancel_action: CancelAction | null; next_event_seq: number };

/** A run whose request this process has no key for is claimed all the same, to be ended with that reason. */
export function toClaimedRun(cipher: ContentCipher, row: ClaimedRow): ClaimedRun {
  const claimed = {
    fence: { threadId: row.thread_id, runId: row.run_id, epoch: row.epoch },
    nextEventSeq: row.next_event_seq,
    cancelAction: row.cancel_action,
  };
  try {
    return { ...claimed, run: toRun(cipher, row) };
  } catch (error) {
    if (!(error instanceof SealedContentError)) throw error;
    return { ...claimed, run: toRun(cipher, withoutSealed(row)), problem: error };
  }
}
