// A crowd on one thread in every `npm test`.
import { oneThread } from "./one-thread.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(oneThread, "gives every message of a crowd the outcome its strategy says", {
  runCount: 300,
  clientCount: 30,
});
