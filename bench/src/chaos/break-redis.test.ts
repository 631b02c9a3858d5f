// The short Redis test of every `npm test`: 40 runs of 5 steps while Redis is frozen, flushed and killed.
import { it } from "vitest";
import { isRedisInstalled } from "../harness/redis.ts";
import { breakRedis } from "./break-redis.ts";
import { itSurvives } from "./short-test.fixture.ts";

if (isRedisInstalled()) {
  itSurvives(breakRedis, "keeps every invariant while Redis comes and goes", {
    runCount: 40,
    stepCount: 5,
    stepMs: 400,
    faultIntervalMinMs: 500,
    faultIntervalMaxMs: 1_000,
  });
} else {
  console.warn("skipped: needs the Debian package redis-server");
  it.skip("F5 (needs the Debian package redis-server)", () => undefined);
}
