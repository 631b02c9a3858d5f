// A bad network in every `npm test`: connections cut, slow and silent, and a worker cut off for longer than its lease.
import { cutNetwork } from "./cut-network.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(cutNetwork, "keeps every invariant, and refuses the writes of a worker that was cut off past its lease", {
  runCount: 120,
  clientCount: 20,
  workerCount: 2,
  stepCount: 5,
  stepMs: 400,
});
