// What a worker does besides runs. Several workers may do it at once: each takes rows that no other holds.
import type { Config } from "../config/config.ts";
import { readThreadRetention } from "../config/thread-retention.ts";
import type { EventBus } from "../domain/ports/event-bus.ts";
import type { GraphRuntime } from "../graphs/graph-runtime.ts";
import type { Report } from "../observability/report.ts";
import type { Database } from "../postgres/database.ts";
import type { Persistence } from "../postgres/persistence.ts";
import { CronScheduler } from "../runs/cron-scheduler.ts";
import { Janitor } from "../runs/janitor.ts";
import type { EngineLimits } from "../runs/limits.ts";
import { type LongTermMemory, storeSweepIntervalMs, sweepStore } from "./long-term-memory.ts";
import { type PeriodicWork, startPeriodicWork } from "./periodic-work.ts";
import type { Usage } from "./usage.ts";
import { WEBHOOK_POLL_INTERVAL_MS, WEBHOOK_SWEEP_INTERVAL_MS, type Webhooks } from "./webhook-delivery.ts";

/** How soon after their grace time ended threads of stateless runs are removed. */
const ENDED_SWEEP_INTERVAL_MS = 15_000;
/** The next three days of the log are made ahead, so that this may fail for days. */
const EVENT_LOG_INTERVAL_MS = 60 * 60_000;

/** How soon the reservations of a worker that died are given back. */
const ABANDONED_CALLS_INTERVAL_MS = 10_000;
const OLD_USAGE_INTERVAL_MS = 10 * 60_000;

/** How soon the store uses pgvector where the database got it, and an index where there are enough embeddings for one. */
const VECTOR_INDEX_INTERVAL_MS = 60_000;
/** How often a worker looks for due ticks of crons. */
const CRON_POLL_INTERVAL_MS = 1_000;

export interface SideWorkOptions {
  config: Config;
  persistence: Persistence;
  database: Pick<Database, "pool">;
  graphs: GraphRuntime;
  bus: EventBus;
  limits: EngineLimits;
  memory: LongTermMemory;
  usage: Usage;
  webhooks: Webhooks;
  workerId: string;
  report: Report;
}

/** Starts everything; disposing stops it all and waits for what is under way. */
export function startSideWork(options: SideWorkOptions): AsyncDisposable {
  const { config, persistence, database, graphs, memory, webhooks, workerId, report } = options;
  const started: AsyncDisposable[] = [];
  const start = (name: string, intervalMs: number, turn: () => Promise<boolean>): PeriodicWork => {
    const work = startPeriodicWork({ name, intervalMs, turn, workerId, report });
    started.push(work);
    return work;
  };
  const storeSweepMs = storeSweepIntervalMs(config.project);
  if (storeSweepMs !== undefined) start("sweeping the store", storeSweepMs, () => sweepStore(memory.store));
  const { vectorIndex } = memory.store;
  if (vectorIndex !== undefined) {
    start("keeping the store's index", VECTOR_INDEX_INTERVAL_MS, async () => {
      for (const what of await vectorIndex.keep(database.pool)) report.storeIndexed({ what });
      return false;
    });
  }
  start("sweeping webhooks", WEBHOOK_SWEEP_INTERVAL_MS, webhooks.sweep);
  const threads = readThreadRetention(config.project.content);
  const janitor = new Janitor({
    retention: persistence.retention,
    expiredThreadsPerSweep: threads.sweepCountMax,
    report,
  });
  start("removing ended threads", ENDED_SWEEP_INTERVAL_MS, () => janitor.removeEnded());
  start("removing expired threads", threads.sweepIntervalMs, () => janitor.removeExpired());
  start("maintaining the event log", EVENT_LOG_INTERVAL_MS, () => janitor.maintainEventLog());
  const { accountant } = options.usage;
  if (accountant !== undefined) {
    start("settling calls of dead workers", ABANDONED_CALLS_INTERVAL_MS, () => accountant.settleAbandoned());
  }
  start("removing old usage", OLD_USAGE_INTERVAL_MS, () => options.usage.removeOld());
  const deliverer = webhooks.createDeliverer();
  started.push(deliverer);
  start("delivering webhooks", WEBHOOK_POLL_INTERVAL_MS, () => deliverer.takeTurn());
  const scheduler = new CronScheduler({ ...options, ...persistence, catalog: graphs.catalog });
  start("firing crons", CRON_POLL_INTERVAL_MS, () => scheduler.takeTurn());
  return {
    async [Symbol.asyncDispose]() {
      // Together: a turn of the deliverer may wait for a slot that only its disposal breaks off.
      await Promise.all(started.map((work) => work[Symbol.asyncDispose]()));
    },
  };
}
