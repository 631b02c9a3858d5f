// What the repositories need of the tables that hold checkpoints, so that deleting, copying and pruning threads stays one transaction.
import type { PoolClient } from "pg";
import type { JsonObject } from "../domain/json.ts";
import type { InterruptRecord } from "../domain/thread.ts";

/** What a thread shows of its newest checkpoint. */
export interface ThreadHead {
  checkpointId: string;
  /** JSON text of the values without the omitted channels. */
  valuesJson: string | null;
  omittedChannels: string[];
  interrupts: Record<string, InterruptRecord[]>;
}

/** Each runs inside the caller's transaction, which holds the threads' rows. */
export interface CheckpointTables {
  copyThreadCheckpoints(client: PoolClient, fromThreadId: string, toThreadId: string): Promise<unknown>;
  deleteThreadCheckpoints(client: PoolClient, threadIds: string[]): Promise<unknown>;
  /** Deletes what the run wrote, in all namespaces. */
  deleteRunCheckpoints(client: PoolClient, threadId: string, runId: string): Promise<unknown>;
  /** Keeps the newest checkpoint of each namespace and what it is made of. */
  pruneThreadCheckpoints(client: PoolClient, threadId: string): Promise<unknown>;
  /** The newest checkpoint of the root namespace; `undefined` where none is left. */
  readThreadHead(client: PoolClient, threadId: string): Promise<ThreadHead | undefined>;
}

/** Channels of a checkpoint that are wanted because the thread row does not keep them. */
export interface OmittedValuesRequest {
  threadId: string;
  checkpointId: string;
  channels: string[];
}

/** Reads the omitted channels of many threads at once, in wire form, by thread id. */
export type ReadOmittedValues = (requests: OmittedValuesRequest[]) => Promise<Map<string, JsonObject>>;
