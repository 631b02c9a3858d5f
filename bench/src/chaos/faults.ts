// Every fault there is a program for.
import { breakProvider } from "./break-provider.ts";
import { breakRedis } from "./break-redis.ts";
import { cancelAnywhere } from "./cancel-anywhere.ts";
import { cutNetwork } from "./cut-network.ts";
import { duplicateRequests } from "./duplicate-requests.ts";
import type { Fault } from "./fault.ts";
import { freezeWorker } from "./freeze-worker.ts";
import { killWorkers } from "./kill-workers.ts";
import { manySessions } from "./many-sessions.ts";
import { oneThread } from "./one-thread.ts";
import { restartPostgres } from "./restart-postgres.ts";
import { rollingRestart } from "./rolling-restart.ts";
import { skewClocks } from "./skew-clocks.ts";

export const FAULTS: Fault[] = [
  killWorkers,
  freezeWorker,
  restartPostgres,
  cutNetwork,
  breakRedis,
  duplicateRequests,
  oneThread,
  manySessions,
  cancelAnywhere,
  skewClocks,
  breakProvider,
  rollingRestart,
];
