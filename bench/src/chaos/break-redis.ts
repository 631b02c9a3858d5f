// F5: the optional Redis is frozen, flushed with all its connections cut, and killed, by turns; results must be the same as with it.
import { setTimeout as sleep } from "node:timers/promises";
import { type Redis, startRedis } from "../harness/redis.ts";
import type { ChaosOptions, ChaosResult, Fault } from "./fault.ts";
import { type InjectionContext, type InjectionReport, runStepsFault, untilNextFault } from "./steps-fault.ts";

/** Longer than the silence that counts as a loss. */
const AWAY_MIN_MS = 1_000;
const AWAY_MAX_MS = 3_000;

export const breakRedis: Fault = {
  id: "F5",
  title: "Redis frozen, flushed and killed by turns",
  defaults: { runCount: 500, clientCount: 40, faultIntervalMinMs: 1_000, faultIntervalMaxMs: 3_000, stepMs: 200 },
  run: breakUnderLoad,
};

async function breakUnderLoad(options: ChaosOptions): Promise<ChaosResult> {
  await using redis = await startRedis();
  return await runStepsFault(
    {
      cluster: { env: { REDIS_URL: redis.url, LOG_LEVEL: "info" } },
      inject: (context) => breakRepeatedly(context, redis),
    },
    options,
  );
}

async function breakRepeatedly(context: InjectionContext, redis: Redis): Promise<InjectionReport> {
  const { cluster, random, options } = context;
  const counts = { freezes: 0, flushes: 0, kills: 0 };
  for (let turn = 0; await untilNextFault(context); turn++) {
    const awayMs = random.integer(AWAY_MIN_MS, AWAY_MAX_MS);
    if (turn % 3 === 0) {
      redis.freeze();
      await sleep(awayMs);
      redis.thaw();
      counts.freezes++;
    } else if (turn % 3 === 1) {
      await redis.command("FLUSHALL");
      await redis.command("CLIENT KILL TYPE pubsub");
      counts.flushes++;
    } else {
      await redis.kill();
      await sleep(awayMs);
      await redis.start();
      counts.kills++;
    }
    options.log(`broke Redis (${["frozen", "flushed", "killed"][turn % 3]})`);
  }
  // Each loss is a line in a process's log; the newest part of it is kept.
  const noticed = [...cluster.apis, ...cluster.workers].map(
    ({ server }) => server.output().split("Redis is away").length - 1,
  );
  return {
    proofs: {
      faults: counts.freezes + counts.flushes + counts.kills,
      lossesNoticed: noticed.reduce((a, b) => a + b, 0),
    },
    counts,
  };
}
