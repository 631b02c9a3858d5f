// Everything that keeps rows, built on one pool.
import type { Pool } from "pg";
import type { Fence } from "../domain/ports/run-queue.ts";
import { PostgresApiKeyRepository } from "./api-key-repository.ts";
import { PostgresAssistantRepository } from "./assistant-repository.ts";
import type { CheckpointTables } from "./checkpoint-tables.ts";
import { CheckpointCache } from "./checkpointer/cache.ts";
import { copyThreadCheckpoints } from "./checkpointer/copy.ts";
import { deleteRunCheckpoints, deleteThreadCheckpoints } from "./checkpointer/delete.ts";
import { omittedValuesReader, type ToWireValue, threadHeadReader } from "./checkpointer/head-values.ts";
import { pruneThreadCheckpoints } from "./checkpointer/prune.ts";
import { HoldfastSaver } from "./checkpointer/saver.ts";
import { PostgresCronRepository } from "./cron-repository.ts";
import { PostgresEventLog } from "./event-log.ts";
import { PostgresGraphSchemaRepository } from "./graph-schema-repository.ts";
import { PostgresIdempotencyRepository } from "./idempotency-repository.ts";
import { PostgresModelGate } from "./model-gate.ts";
import { patientPool } from "./patient-pool.ts";
import { PostgresRetention } from "./retention.ts";
import { PostgresRunQueue } from "./run-queue.ts";
import { PostgresRunRepository } from "./run-repository.ts";
import { PostgresStateFences } from "./state-fence.ts";
import { PostgresThreadRepository } from "./thread-repository.ts";
import { PostgresThreadTape } from "./thread-tape.ts";
import { PostgresToolEffects } from "./tool-effects.ts";
import { PostgresUsageLedger } from "./usage/usage-ledger.ts";
import { PostgresUsageReports } from "./usage/usage-reports.ts";

export interface Persistence {
  apiKeys: PostgresApiKeyRepository;
  assistants: PostgresAssistantRepository;
  threads: PostgresThreadRepository;
  runs: PostgresRunRepository;
  graphSchemas: PostgresGraphSchemaRepository;
  crons: PostgresCronRepository;
  queue: PostgresRunQueue;
  log: PostgresEventLog;
  tape: PostgresThreadTape;
  stateFences: PostgresStateFences;
  idempotency: PostgresIdempotencyRepository;
  retention: PostgresRetention;
  effects: PostgresToolEffects;
  modelGate: PostgresModelGate;
  ledger: PostgresUsageLedger;
  usageReports: PostgresUsageReports;
  openCheckpointer: (fence: Fence | undefined) => HoldfastSaver;
}

/** How long a request with an idempotency key may take to be answered before the same request may be tried again. */
const IDEMPOTENCY_LOCK_MS = 10_000;

export interface PersistenceLimits {
  idempotencyRetentionMs: number;
  eventRetentionMs: number;
}

/** `toWireValue` is the graph runtime's codec: thread rows show values as clients see them. */
export function createPersistence(pool: Pool, toWireValue: ToWireValue, limits: PersistenceLimits): Persistence {
  const checkpoints: CheckpointTables = {
    copyThreadCheckpoints,
    deleteThreadCheckpoints,
    deleteRunCheckpoints,
    pruneThreadCheckpoints,
    readThreadHead: threadHeadReader(toWireValue),
  };
  const cache = new CheckpointCache();
  const patient = patientPool(pool);
  const readOmittedValues = omittedValuesReader(pool, toWireValue);
  const idempotency = new PostgresIdempotencyRepository(pool, {
    retentionMs: limits.idempotencyRetentionMs,
    lockMs: IDEMPOTENCY_LOCK_MS,
  });
  const { eventRetentionMs } = limits;
  return {
    apiKeys: new PostgresApiKeyRepository(pool),
    assistants: new PostgresAssistantRepository(pool, checkpoints),
    threads: new PostgresThreadRepository(pool, {
      checkpoints,
      readOmittedValues,
    }),
    runs: new PostgresRunRepository(pool, checkpoints),
    graphSchemas: new PostgresGraphSchemaRepository(pool),
    crons: new PostgresCronRepository(pool, deleteRunCheckpoints),
    queue: new PostgresRunQueue(pool, deleteRunCheckpoints),
    log: new PostgresEventLog(pool, readOmittedValues),
    tape: new PostgresThreadTape(pool),
    stateFences: new PostgresStateFences(pool),
    idempotency,
    retention: new PostgresRetention(pool, { checkpoints, keys: idempotency, eventRetentionMs }),
    effects: new PostgresToolEffects(patient),
    modelGate: new PostgresModelGate(pool),
    ledger: new PostgresUsageLedger(patient),
    usageReports: new PostgresUsageReports(pool),
    openCheckpointer: (fence) => new HoldfastSaver({ pool: fence === undefined ? pool : patient, fence, cache }),
  };
}
