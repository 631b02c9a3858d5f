// Opens the event bus of a process: Redis where there is one, NOTIFY in any case, polling where not even that is heard.
import { mintId } from "../domain/ids.ts";
import type { EventBus } from "../domain/ports/event-bus.ts";
import { NOTIFY_CHANNEL, type NoticeLinkOptions } from "../event-bus/notice-link.ts";
import { PostgresBus } from "../event-bus/postgres-bus.ts";
import { RedisBus } from "../event-bus/redis-bus.ts";
import type { Report } from "../observability/report.ts";
import type { Database } from "../postgres/database.ts";
import { readDatabaseId } from "../postgres/database-id.ts";
import { BEACON_PREFIX } from "../postgres/lease.ts";
import { openListener } from "../postgres/listener.ts";
import { hearsNotices } from "../postgres/listener-check.ts";

export interface BusRequest {
  database: Database;
  /** Unset: PostgreSQL carries everything. */
  redisUrl: string | undefined;
  /** Whether others must learn of this process's death at once. */
  isWorker: boolean;
  report: Report;
}

export interface OpenedBus extends AsyncDisposable {
  bus: EventBus;
  /** Name of this process; it begins with the beacon's prefix where others can see by its beacon that it lives. */
  processId: string;
}

/** @throws the driver's error when the listening connection cannot be made; Redis may be away. */
export async function openBus({ database, redisUrl, isWorker, report }: BusRequest): Promise<OpenedBus> {
  const isHeard = await hearsNotices(database.directUrl, database.pool);
  if (!isHeard) report.noticesUnheard({ hasRedis: redisUrl !== undefined });
  // Behind a pooler the lock would belong to the pooler's connection and say nothing about this process.
  const processId = `${isHeard ? BEACON_PREFIX : ""}${mintId()}`;
  const notices: NoticeLinkOptions = {
    processId,
    notify: async (channel, payload) => {
      await database.pool.query({ name: "notify", text: "select pg_notify($1, $2)", values: [channel, payload] });
    },
    onNotifyError: (error) => report.databaseUnavailable({ subsystem: "event bus", error }),
  };
  const bus =
    redisUrl === undefined
      ? new PostgresBus(notices)
      : new RedisBus({
          ...notices,
          url: redisUrl,
          namespace: await readDatabaseId(database.pool),
          onDown: (error) => report.redisLost({ error }),
          onUp: (downMs) => report.redisBack({ downMs }),
        });
  const listener = isHeard
    ? await openListener(database.directUrl, {
        beacons: isWorker ? [processId] : [],
        onReconnect: () => bus.recover(),
      }).catch(async (error) => {
        await bus[Symbol.asyncDispose]();
        throw error;
      })
    : undefined;
  await listener?.listen(NOTIFY_CHANNEL, (payload) => bus.receive(payload));
  return {
    bus,
    processId,
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await listener?.close();
    },
  };
}
