// The crash test of every `npm test`: 40 runs of 5 steps on 4 workers, one of them killed by SIGKILL every second.
import { killWorkers } from "./kill-workers.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(killWorkers, "keeps every invariant while workers are killed", {
  runCount: 40,
  stepCount: 5,
  stepMs: 400,
  faultIntervalMinMs: 1_000,
  faultIntervalMaxMs: 1_000,
});
