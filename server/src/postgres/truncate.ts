// Empties parts of the database between tests; reachable only where the truncate endpoint is allowed.
import type { Pool, PoolClient } from "pg";
import { systemAssistantId } from "../domain/ids.ts";
import { execute, inTransaction } from "./statement.ts";

/** What to empty. */
export interface TruncateFlags {
  /** Runs with their events and notices; their threads become free. */
  runs?: boolean;
  /** Threads with their runs and checkpoints. */
  threads?: boolean;
  /** Assistants, except those that exist for every graph. */
  assistants?: boolean;
  store?: boolean;
  /** Checkpoints; threads lose their values. */
  checkpointer?: boolean;
}

/** Idempotency keys go with the runs they answer with. */
const RUN_TABLES = "run, run_event, webhook_delivery, idempotency_key";
const CHECKPOINT_TABLES = "checkpoint, checkpoint_item, checkpoint_write";

/** Runs that are still being worked on lose their lease. */
export async function truncateDatabase(pool: Pool, flags: TruncateFlags): Promise<void> {
  await inTransaction(pool, async (client) => {
    if (flags.threads) await execute(client, `truncate thread, ${RUN_TABLES}, ${CHECKPOINT_TABLES} cascade`);
    if (flags.runs && !flags.threads) {
      await execute(client, `truncate ${RUN_TABLES}`);
      await execute(
        client,
        `update thread set epoch = epoch + 1, active_count = 0,
           status = case when interrupts <> '{}' then 'interrupted' when error is not null then 'error' else 'idle' end`,
      );
    }
    if (flags.checkpointer && !flags.threads) {
      await execute(client, `truncate ${CHECKPOINT_TABLES}`);
      await execute(
        client,
        `update thread set epoch = epoch + 1, "values" = null, omitted_channels = '{}', head_checkpoint_id = null,
           interrupts = '{}', error = null, status = case when active_count > 0 then 'busy' else 'idle' end`,
      );
    }
    if (flags.assistants) await deleteOwnAssistants(client);
    if (flags.store) await execute(client, "truncate store_item, store_vector");
  });
}

async function deleteOwnAssistants(client: PoolClient): Promise<void> {
  const marked = await execute<{ assistant_id: string; graph_id: string }>(
    client,
    `select assistant_id, graph_id from assistant where metadata @> '{"created_by": "system"}'`,
  );
  const kept = marked.filter((row) => row.assistant_id === systemAssistantId(row.graph_id));
  await execute(client, "delete from assistant where assistant_id <> all($1::uuid[])", [
    kept.map((row) => row.assistant_id),
  ]);
}
