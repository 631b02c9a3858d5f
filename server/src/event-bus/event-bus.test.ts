// Every bus against the one contract: in memory, over NOTIFY, over Redis, and over NOTIFY because Redis is away.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openTestDatabase, type TestDatabase } from "../postgres/testing/test-database.ts";
import { describeEventBus } from "./event-bus.contract.ts";
import { LocalBus } from "./local-bus.ts";
import { PostgresBus } from "./postgres-bus.ts";
import { RedisBus } from "./redis-bus.ts";
import { connectBus } from "./testing/connect-bus.ts";
import { REDIS_MISSING, type RedisServer, startRedis } from "./testing/redis-server.ts";

/** Nothing listens there. */
const NO_REDIS = "redis://127.0.0.1:1";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase({ migrate: false });
});
afterAll(() => database.close());

const connectRedisBus = (url: string) =>
  connectBus(database, (notices) => new RedisBus({ ...notices, url, namespace: "test" }));

describeEventBus("memory", async () => {
  const bus = new LocalBus();
  return { near: bus, far: bus };
});

const connectPostgresBus = () => connectBus(database, (notices) => new PostgresBus(notices));
describeEventBus("PostgreSQL", async () => ({ near: await connectPostgresBus(), far: await connectPostgresBus() }));

describeEventBus("Redis that is away", async () => ({
  near: await connectRedisBus(NO_REDIS),
  far: await connectRedisBus(NO_REDIS),
}));

if (REDIS_MISSING !== undefined) {
  test.skip(`event bus: Redis (${REDIS_MISSING})`, () => undefined);
} else {
  describe("with a real Redis", () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
    });
    afterAll(() => redis[Symbol.asyncDispose]());
    const connectUp = async () => {
      const bus = await connectRedisBus(redis.url);
      await vi.waitFor(() => expect(bus.isUp).toBe(true), 5_000);
      return bus;
    };
    describeEventBus("Redis", async () => ({ near: await connectUp(), far: await connectUp() }));
    describeEventBus("Redis on one end only", async () => ({
      near: await connectUp(),
      far: await connectRedisBus(NO_REDIS),
    }));
    describeEventBus("Redis on the other end only", async () => ({
      near: await connectRedisBus(NO_REDIS),
      far: await connectUp(),
    }));
  });
}
