// Cancels in every `npm test`, in the middle of model calls and tool calls.
import { cancelAnywhere } from "./cancel-anywhere.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(cancelAnywhere, "settles every cancel, and the thread goes on", { runCount: 40, clientCount: 10 });
