// The crash test of every `npm test`: 40 runs of 5 steps on 4 workers, one that has runs killed by SIGKILL every 1.5 to 3 s.
import { killWorkers } from "./kill-workers.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(killWorkers, "keeps every invariant while workers are killed", {
  runCount: 40,
  stepCount: 5,
  stepMs: 400,
  faultIntervalMinMs: 1_500,
  faultIntervalMaxMs: 3_000,
});
