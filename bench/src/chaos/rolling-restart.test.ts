// A deploy in every `npm test`: workers are stopped by SIGTERM under load and replaced.
import { rollingRestart } from "./rolling-restart.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(rollingRestart, "hands every run on between two steps, and fails none", {
  runCount: 20,
  clientCount: 10,
  workerCount: 2,
  stepCount: 6,
  stepMs: 400,
});
