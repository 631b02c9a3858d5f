// The store as the project file wants it: once for the API, once for graphs, both over the same rows.
import type { Project } from "../config/project-file.ts";
import { omitUndefined } from "../domain/json.ts";
import { loadEmbeddings } from "../graphs/load-embeddings.ts";
import type { Database } from "../postgres/database.ts";
import { patientPool } from "../postgres/patient-pool.ts";
import { PostgresStore } from "../postgres/store/postgres-store.ts";
import { PostgresStoreRepository, type StoreOptions } from "../postgres/store/store-repository.ts";

const MINUTE_MS = 60_000;
/** Expired items that one statement deletes. */
const SWEEP_COUNT_MAX = 1_000;

export interface LongTermMemory {
  /** For the API. */
  store: PostgresStoreRepository;
  /** For graphs: a run in flight waits out a database that is away. */
  graphStore: PostgresStore;
}

/** @throws ConfigurationError, GraphLoadError for an embedding model that cannot be loaded */
export async function openLongTermMemory(database: Database, project: Project): Promise<LongTermMemory> {
  const options = await loadStoreOptions(project);
  const forGraphs = new PostgresStoreRepository(patientPool(database.pool), options);
  return {
    store: new PostgresStoreRepository(database.pool, options),
    graphStore: new PostgresStore(forGraphs),
  };
}

async function loadStoreOptions(project: Project): Promise<StoreOptions> {
  const { index, ttl } = project.content.store ?? {};
  const options: StoreOptions = {
    defaultTtlMinutes: ttl?.default_ttl ?? null,
    isRefreshedOnRead: ttl?.refresh_on_read ?? true,
  };
  if (index === undefined) return options;
  const embeddings = await loadEmbeddings(index.embed, { projectDir: project.dir, dims: index.dims });
  const { dims, fields, distance_type: distance, ann_index_config: ann } = index;
  return {
    ...options,
    index: omitUndefined({
      embeddings,
      dims,
      fields,
      distance,
      ann: ann && omitUndefined({ kind: ann.kind, m: ann.m, efConstruction: ann.ef_construction }),
    }),
  };
}

/** How often expired items are deleted; `undefined` for never. Readers do not see them either way. */
export function storeSweepIntervalMs(project: Project): number | undefined {
  const minutes = project.content.store?.ttl?.sweep_interval_minutes;
  return minutes === undefined || minutes === null ? undefined : minutes * MINUTE_MS;
}

/** Deletes one batch of expired items; `true` when there may be more. */
export async function sweepStore(store: PostgresStoreRepository): Promise<boolean> {
  return (await store.sweepExpiredItems(SWEEP_COUNT_MAX)) === SWEEP_COUNT_MAX;
}
