// The right to change a thread's state by hand: an epoch of its own, refused while a run is pending or running.
import type { Pool } from "pg";
import { ConflictError, LeaseLostError, NotFoundError } from "../domain/errors.ts";
import type { StateWrite } from "../domain/ports/graph-runtime.ts";
import type { Fence } from "../domain/ports/run-queue.ts";
import type { StateFences } from "../domain/ports/state-fence.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { sealInterrupts } from "./content/sealed-columns.ts";
import { storableValues } from "./storable-json.ts";

export class PostgresStateFences implements StateFences {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async acquireStateFence(threadId: string): Promise<Fence> {
    const taken = await this.#pool.query<{ epoch: string }>(
      `update thread set epoch = epoch + 1
       where thread_id = $1 and active_count = 0 and not (is_temporary and ended_at is not null) returning epoch`,
      [threadId],
    );
    const row = taken.rows[0];
    if (row !== undefined) return { threadId, runId: "", epoch: row.epoch };
    const found = await this.#pool.query(
      "select 1 from thread where thread_id = $1 and not (is_temporary and ended_at is not null)",
      [threadId],
    );
    if (found.rows.length === 0) throw new NotFoundError(`Thread with ID ${threadId} not found`);
    throw new ConflictError("Thread is busy");
  }

  async commitStateWrite(fence: Fence, write: StateWrite): Promise<void> {
    const cipher = cipherOf(this.#pool);
    const hasValues = write.values !== undefined;
    const values = write.values === undefined ? undefined : storableValues(write.values);
    const written = await this.#pool.query(
      `update thread set status = $3, interrupts = $4::jsonb, error = null, updated_at = now(), state_updated_at = now(),
         values = case when $5 then $6::jsonb else values end,
         omitted_channels = case when $5 then $7::text[] else omitted_channels end,
         head_checkpoint_id = case when $5 then $8 else head_checkpoint_id end
       where thread_id = $1 and epoch = $2::bigint`,
      [
        fence.threadId,
        fence.epoch,
        write.isThreadInterrupted ? "interrupted" : "idle",
        sealInterrupts(cipher, write.interrupts),
        hasValues,
        values === undefined ? null : cipher.sealJson("thread_values", values.json),
        values?.omittedChannels ?? [],
        write.values?.checkpointId ?? null,
      ],
    );
    if (written.rowCount === 0) throw new LeaseLostError(fence.threadId);
  }
}
