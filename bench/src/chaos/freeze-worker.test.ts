// A stale worker in every `npm test`: workers are frozen past their lease, and what they write when they wake is refused.
import { freezeWorker } from "./freeze-worker.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(freezeWorker, "refuses every write of a worker that slept past its lease", {
  runCount: 40,
  clientCount: 20,
  workerCount: 2,
  stepCount: 5,
  stepMs: 300,
});
