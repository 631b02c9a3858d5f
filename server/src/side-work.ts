// What a worker does besides runs. Several workers may do it at once: each takes rows that no other holds.
import type { Config } from "./config/config.ts";
import { type LongTermMemory, storeSweepIntervalMs, sweepStore } from "./long-term-memory.ts";
import type { Report } from "./observability/report.ts";
import { type PeriodicWork, startPeriodicWork } from "./periodic-work.ts";
import { WEBHOOK_POLL_INTERVAL_MS, WEBHOOK_SWEEP_INTERVAL_MS, type Webhooks } from "./webhook-delivery.ts";

export interface SideWorkOptions {
  config: Config;
  memory: LongTermMemory;
  webhooks: Webhooks;
  workerId: string;
  report: Report;
}

/** Starts everything; disposing stops it all and waits for what is under way. */
export function startSideWork({ config, memory, webhooks, workerId, report }: SideWorkOptions): AsyncDisposable {
  const started: AsyncDisposable[] = [];
  const start = (name: string, intervalMs: number, turn: () => Promise<boolean>): PeriodicWork => {
    const work = startPeriodicWork({ name, intervalMs, turn, workerId, report });
    started.push(work);
    return work;
  };
  const storeSweepMs = storeSweepIntervalMs(config.project);
  if (storeSweepMs !== undefined) start("sweeping the store", storeSweepMs, () => sweepStore(memory.store));
  start("sweeping webhooks", WEBHOOK_SWEEP_INTERVAL_MS, webhooks.sweep);
  const deliverer = webhooks.createDeliverer();
  started.push(deliverer);
  start("delivering webhooks", WEBHOOK_POLL_INTERVAL_MS, () => deliverer.takeTurn());
  return {
    async [Symbol.asyncDispose]() {
      // Together: a turn of the deliverer may wait for a slot that only its disposal breaks off.
      await Promise.all(started.map((work) => work[Symbol.asyncDispose]()));
    },
  };
}
