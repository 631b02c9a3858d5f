// A provider's bad hours in every `npm test`.
import { breakProvider } from "./break-provider.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(breakProvider, "ends every run, and the thread goes on when the provider is well again", {
  runCount: 40,
  clientCount: 20,
});
