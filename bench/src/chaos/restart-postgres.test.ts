// PostgreSQL goes away in every `npm test`: restarts under load, in order and as after a crash.
import { expect } from "vitest";
import { restartPostgres } from "./restart-postgres.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(
  restartPostgres,
  "loses nothing while PostgreSQL is restarted, and takes no worker for dead",
  {
    runCount: 40,
    clientCount: 10,
    workerCount: 2,
    stepCount: 5,
    stepMs: 400,
    faultIntervalMinMs: 2_000,
    faultIntervalMaxMs: 3_000,
  },
  ({ counts }) => expect(counts.lostLeases, "living workers lost their runs").toBe(0),
);
