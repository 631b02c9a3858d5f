// Clients that repeat themselves in every `npm test`.
import { duplicateRequests } from "./duplicate-requests.ts";
import { itSurvives } from "./short-test.fixture.ts";

itSurvives(duplicateRequests, "answers every copy of a request as it should", { runCount: 10, clientCount: 5 });
