// What the server asks of the place where crons are kept.
import type { Cron, CronChanges, CronSortKey, NewCron } from "../cron.ts";
import type { JsonObject } from "../json.ts";
import type { AccessFilter, Page, PageQuery } from "../page.ts";
import type { NewRun } from "../run.ts";
import type { Admission } from "./run-queue.ts";

export interface CronQuery {
  assistantId?: string;
  threadId?: string;
  isEnabled?: boolean;
  metadata?: JsonObject;
}

/** What becomes of a due tick. */
export interface CronTick {
  /** The tick after it. */
  nextRunAt: Date | null;
  /** The run it starts; without one the tick passes, and `reason` says why. */
  run?: NewRun;
  reason?: string;
}

/** A tick that has fired or passed. */
export interface FiredTick {
  cron: Cron;
  tickAt: Date;
  firedAt: Date;
  admission?: Admission;
  /** Why there is no run. */
  reason?: string;
}

/** What one look at the due ticks came to. */
export interface FiredTicks {
  fired: FiredTick[];
  /** Ticks that could not be fired and stay due; they hold up no other. */
  failures: { cronId: string; error: unknown }[];
}

export interface FireOptions {
  /** @default the database's clock */
  now?: Date;
  countMax: number;
  decide(cron: Cron, now: Date): Promise<CronTick>;
}

export interface CronRepository {
  /** A cron that exists under the id stays as it is. @throws NotFoundError when assistant or thread have gone */
  createCron(cron: NewCron): Promise<Cron>;
  findCron(cronId: string, access?: AccessFilter): Promise<Cron | undefined>;
  searchCrons(query: CronQuery & PageQuery<CronSortKey>, access?: AccessFilter): Promise<Page<Cron>>;
  countCrons(query: CronQuery, access?: AccessFilter): Promise<number>;
  /** Changes it by what `change` makes of it, while nobody else does and no tick fires. @throws NotFoundError */
  updateCron(cronId: string, change: (cron: Cron) => CronChanges, access?: AccessFilter): Promise<Cron>;
  /** @throws NotFoundError */
  deleteCron(cronId: string, access?: AccessFilter): Promise<void>;
  /**
   * Fires due ticks, the longest due first. A tick's run and the move to the next tick are one transaction, and a tick is one
   * caller's alone: any number of schedulers in any state of dying fires it exactly once.
   */
  fireDueTicks(options: FireOptions): Promise<FiredTicks>;
}
