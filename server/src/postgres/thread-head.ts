// Brings what a thread shows of its state in step with its newest checkpoint, where that is not done by the end of a run.
import type { PoolClient } from "pg";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { cipherOf } from "./content/cipher-of.ts";
import { sealInterrupts } from "./content/sealed-columns.ts";
import { execute } from "./statement.ts";

/** The epoch moves on so that whoever is changing the state by hand cannot build on a deleted checkpoint. */
const SHOW_HEAD = `
  update thread t set epoch = t.epoch + 1, updated_at = now(), state_updated_at = now(), head_checkpoint_id = $2,
    "values" = $3::jsonb, omitted_channels = $4::text[], interrupts = $5::jsonb, error = null,
    status = case when t.active_count > 0 then 'busy' when $5::jsonb <> '{}' then 'interrupted' else 'idle' end
  where t.thread_id = $1`;

/** Inside the caller's transaction, which holds the thread's row. */
export async function showNewestState(
  client: PoolClient,
  checkpoints: CheckpointTables,
  threadId: string,
): Promise<void> {
  const cipher = cipherOf(client);
  const head = await checkpoints.readThreadHead(client, threadId);
  await execute(client, SHOW_HEAD, [
    threadId,
    head?.checkpointId ?? null,
    head?.valuesJson == null ? null : cipher.sealJson("thread_values", head.valuesJson),
    head?.omittedChannels ?? [],
    sealInterrupts(cipher, head?.interrupts ?? {}),
  ]);
}
